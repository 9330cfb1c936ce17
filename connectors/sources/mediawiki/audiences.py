"""Which namespaces are read, and who may read each: lines such as `3000 = group:directory:cn:hr`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from assistant.common.acl import Acl
from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.common.types import Json
from connectors.sdk.audience import audience_acl
from connectors.sdk.exact_json import as_list

_LINE = re.compile(r"\s*(\d{1,6})\s*(?:=\s*(.*\S)\s*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Audiences:
    """`otherwise`: who reads namespaces that have no line of their own. No lines: all content namespaces."""

    otherwise: Acl
    lines: Mapping[int, Acl | None]

    @property
    def fingerprint(self) -> str:
        """Changes whenever who reads what may have."""
        text = repr((self.otherwise, sorted(self.lines.items(), key=lambda line: line[0])))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def of(self, namespace: int) -> Acl:
        """Who may read the pages of a namespace."""
        own = self.lines.get(namespace)
        return self.otherwise if own is None else own


def audiences_of(audience: Json, namespaces: Json) -> Audiences:
    """What the two settings say.

    Raises:
        UsageError: a line is no namespace, names one a second time, or names no principal.
    """
    lines: dict[int, Acl | None] = {}
    for line in as_list([] if namespaces is None else namespaces, "namespaces"):
        found = _LINE.fullmatch(str(line))
        if found is None:
            raise UsageError(
                told(
                    "'{line}' is no namespace: write 3000 or 3000 = group:directory:cn:hr.",
                    line=str(line)[:80],
                )
            )
        number = int(found[1])
        if number in lines:
            raise UsageError(
                told(
                    "The namespace {number} stands twice: write all who may read it on one line.",
                    number=number,
                )
            )
        # A comma may stand in the name of a group, so principals are parted by a comma and a space.
        named = None if found[2] is None else [part.strip() for part in found[2].split(", ")]
        lines[number] = None if named is None else audience_acl(named)
    return Audiences(audience_acl(audience), lines)
