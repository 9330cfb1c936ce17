"""Who may see what lies under which prefix: the access file of folders and buckets.

The rules, each closed where the format leaves a doubt:

1. The longest prefix that covers a document says who is let in. A deny beats an allow, and one of a
   shorter prefix that covers the document counts as well.
2. The same prefix in two items is one item with the entries of both.
3. A prefix that ends inside a name (`hr` for `hrx/plan.txt`) covers it as a string but
   not as a folder. Whoever wants to see it must be let in under both readings.
4. An item that is not exactly understood hides everything under its prefix, longer
   prefixes included; one whose prefix cannot be understood hides the whole source.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assistant.common.acl import NOBODY, PUBLIC, Acl, Clause, Entry
from assistant.common.errors import FailureCode
from assistant.common.told import told
from assistant.common.types import Json
from connectors.sdk.amazon_acl import denies_first, parse_entries
from connectors.sdk.contract import Failure
from connectors.sdk.exact_json import MalformedError, as_list, as_object, decode_json, read_json, shown
from connectors.sdk.names import id_problem

MAX_ACCESS_FILE_BYTES = 16_000_000
_BUCKET = re.compile(r"s3://([^/]+)/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hidden:
    """Everything that starts with `prefix` is hidden, because of `reason`."""

    prefix: str
    reason: str


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What an access file says. All prefixes are NFC; `otherwise` holds where none covers."""

    clauses: Mapping[str, Clause]
    hidden: tuple[Hidden, ...]
    otherwise: Acl
    _hiding: frozenset[str] = field(init=False, repr=False, compare=False)
    _decided: dict[tuple[str, bool], Clause] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """There may be as many broken items as documents: each prefix is looked up, none is searched for."""
        object.__setattr__(self, "_hiding", frozenset(each.prefix for each in self.hidden))

    def acl_of(self, external_id: str, own: Clause | None = None) -> Acl:
        """The ACL of one document. `own` is the document's own list, if it has one.

        Where a prefix and the document both have a list, both must let the viewer in.
        """
        key = unicodedata.normalize("NFC", external_id)
        if self._is_hidden(key):
            return NOBODY
        as_string, as_folder = self._covering(key)
        return both(
            self._decide(as_string, own, as_folder=False), self._decide(as_folder, own, as_folder=True)
        )

    def is_covered(self, external_id: str) -> bool:
        """Whether some prefix covers the document, read as a string or as a folder."""
        return self._covering(unicodedata.normalize("NFC", external_id)) != (None, None)

    def failures(self) -> Iterator[Failure]:
        """Why prefixes are hidden. A name may be spelt composed or decomposed, so both are named."""
        for hidden in self.hidden:
            spellings = dict.fromkeys((hidden.prefix, unicodedata.normalize("NFD", hidden.prefix)))
            for prefix in spellings:
                yield Failure(prefix, FailureCode.BAD_PERMISSIONS, hidden.reason, hide=True, is_prefix=True)

    def _is_hidden(self, key: str) -> bool:
        return bool(self._hiding) and any(key[:length] in self._hiding for length in range(len(key) + 1))

    def _covering(self, key: str) -> tuple[str | None, str | None]:
        """The longest covering prefix, read as a string and read as a folder or file."""
        as_string: str | None = None
        for length in range(len(key), -1, -1):
            prefix = key[:length]
            if prefix not in self.clauses:
                continue
            as_string = prefix if as_string is None else as_string
            if _ends_a_name(key, length):
                return as_string, prefix
        return as_string, None

    def _decide(self, covering: str | None, own: Clause | None, *, as_folder: bool) -> Acl:
        prefixed = None if covering is None else self._clause(covering, as_folder=as_folder)
        clauses = tuple(clause for clause in (prefixed, own) if clause is not None)
        return Acl(clauses) if clauses else self.otherwise

    def _clause(self, prefix: str, *, as_folder: bool) -> Clause:
        """The list of a prefix with the denies of the shorter ones, which cover whatever it covers."""
        known = self._decided.get((prefix, as_folder))
        if known is None:
            around = [
                self.clauses[prefix[:length]]
                for length in range(len(prefix))
                if prefix[:length] in self.clauses and (not as_folder or _ends_a_name(prefix, length))
            ]
            denies = [entry for clause in around for entry in clause.entries if not entry.allow]
            known = denies_first([*denies, *self.clauses[prefix].entries])
            self._decided[prefix, as_folder] = known
        return known


def _ends_a_name(key: str, length: int) -> bool:
    """Whether the first `length` characters are the root, a folder with or without its `/`, or all."""
    return length in (0, len(key)) or "/" in (key[length - 1], key[length])


@dataclass(frozen=True, slots=True)
class _Prefix:
    text: str
    bucket: str = ""


class _PrefixError(MalformedError):
    """A prefix that is not understood; `hides` is the part of it that is beyond doubt."""

    def __init__(self, reason: str, *, hides: str = "") -> None:
        super().__init__(reason)
        self.hides = hides


def no_access_file(*, everyone: bool) -> AccessRules:
    """The rules of a source without an access file."""
    return AccessRules({}, (), PUBLIC if everyone else NOBODY)


def read_access_file(path: Path, *, everyone: bool) -> AccessRules:
    """The rules in the file at `path`; `everyone`: what no prefix covers is for everyone.

    Never raises for what the file holds: a file that cannot be read hides everything.
    """
    try:
        value = read_json(path, limit=MAX_ACCESS_FILE_BYTES)
    except MalformedError as error:
        return hide_all(
            told("The access file '{name}' {error}. Mend it and sync again.", name=path.name, error=error)
        )
    return parse_access(value, name=path.name, everyone=everyone)


def decode_access(data: bytes, *, name: str, everyone: bool = False) -> AccessRules:
    """As `read_access_file`, from the bytes of an access file called `name`."""
    try:
        return parse_access(decode_json(data), name=name, everyone=everyone)
    except MalformedError as error:
        return hide_all(
            told("The access file '{name}' {error}. Mend it and sync again.", name=name, error=error)
        )


def parse_access(value: Json, *, name: str, everyone: bool) -> AccessRules:
    """The rules in the JSON of an access file called `name`."""
    try:
        items = as_list(value, told("its content"))
    except MalformedError as error:
        return hide_all(told("The access file '{name}' is not understood: {error}.", name=name, error=error))
    entries: dict[str, list[Entry]] = {}
    hidden: list[Hidden] = []
    buckets: set[str] = set()
    for number, item in enumerate(items, start=1):
        where = told("The access file '{name}', item {number}", name=name, number=number)
        try:
            prefix = _prefix_of(item)
        except _PrefixError as error:
            hidden.append(Hidden(error.hides, told("{where}: {error}.", where=where, error=error)))
            continue
        buckets.update(filter(None, [prefix.bucket]))
        try:
            entries.setdefault(prefix.text, []).extend(_entries_of(item))
        except MalformedError as error:
            hidden.append(
                Hidden(
                    prefix.text,
                    told(
                        "{where} (keyPrefix '{prefix}'): {error}.",
                        where=where,
                        prefix=shown(prefix.text),
                        error=error,
                    ),
                )
            )
    if len(buckets) > 1:
        names = ", ".join(map(shown, sorted(buckets)[:3]))
        return hide_all(
            told(
                "The access file '{name}' names more than one bucket ({names}): keep one.",
                name=name,
                names=names,
            )
        )
    clauses = {prefix: denies_first(listed) for prefix, listed in entries.items()}
    return AccessRules(clauses, tuple(hidden), PUBLIC if everyone else NOBODY)


def _prefix_of(item: Json) -> _Prefix:
    if not isinstance(item, Mapping) or "keyPrefix" not in item:
        raise _PrefixError(told("it must be an object with a keyPrefix"))
    raw = item["keyPrefix"]
    if not isinstance(raw, str):
        raise _PrefixError(told("keyPrefix must be a text"))
    bucket = _BUCKET.match(raw)
    text = raw[bucket.end() :] if bucket else raw
    if "://" in text or text.lower().startswith("s3:"):
        raise _PrefixError(
            told("keyPrefix '{raw}' must be a path below the root or s3://BUCKET/PATH", raw=shown(raw))
        )
    while text.startswith(("/", "./")):
        text = text.removeprefix("/").removeprefix("./")
    text = unicodedata.normalize("NFC", text)
    _refuse_doubtful(text)
    return _Prefix(text, bucket.group(1) if bucket else "")


def _refuse_doubtful(text: str) -> None:
    """Refuse what matches no name of a clean listing: taken literally it would protect nothing."""
    if text != text.strip() or (text and id_problem(text)):
        raise _PrefixError(
            told("keyPrefix '{text}' has spaces around it or cannot be a path", text=shown(text))
        )
    for sign, advice in (
        ("*", told("it is a plain beginning, not a pattern")),
        ("\\", told("write / between folders")),
    ):
        if sign in text:
            raise _PrefixError(
                told(
                    "keyPrefix '{text}' holds '{sign}': {advice}", text=shown(text), sign=sign, advice=advice
                ),
                hides=text[: text.index(sign)],
            )
    segments = text.split("/")
    for n, segment in enumerate(segments):
        if segment in (".", "..") or (not segment and n < len(segments) - 1):
            head = "".join(part + "/" for part in segments[:n])
            raise _PrefixError(
                told(
                    "keyPrefix '{text}' holds an empty, . or .. step: write the plain path", text=shown(text)
                ),
                hides="" if segment == ".." else head,
            )


def _entries_of(item: Json) -> list[Entry]:
    record = as_object(item, told("the item"))
    unknown = sorted(set(record) - {"keyPrefix", "aclEntries"})
    if unknown:
        raise MalformedError(told("the key '{key}' is unknown", key=shown(unknown[0])))
    return parse_entries(record.get("aclEntries"), "aclEntries")


def both(one: Acl, other: Acl) -> Acl:
    """The ACL that lets in whom both let in."""
    if not one.clauses or not other.clauses:
        return NOBODY
    if PUBLIC in (one, other):
        return other if one == PUBLIC else one
    return Acl(tuple(dict.fromkeys(one.clauses + other.clauses)))


def hide_all(reason: str) -> AccessRules:
    """The rules of a source whose access file cannot be used."""
    return AccessRules({}, (Hidden("", reason),), NOBODY)
