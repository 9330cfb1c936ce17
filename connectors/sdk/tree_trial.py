"""The connection test of a tree of files: what each right the connector needs turned out to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from assistant.common.errors import MundapError
from assistant.common.told import said, told
from connectors.sdk.access_file import AccessRules
from connectors.sdk.contract import CheckItem, Failure, PrincipalEvent
from connectors.sdk.errors import Stop
from connectors.sdk.tree import Found, Tree
from connectors.sdk.trial_steps import SAMPLE_BYTES, content_step, groups_step, list_step, permissions_step

_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Stated:
    """What permissions are made of. `audience`: who reads what the rules leave open, in words.

    `groups` None: there is no groups file.
    """

    rules: Callable[[], AccessRules]
    has_access_file: bool
    audience: str
    groups: Callable[[], Iterable[PrincipalEvent]] | None


def try_out(
    opened: Callable[[], Tree], *, found: Callable[[], Iterable[Found | Failure]], stated: Stated
) -> list[CheckItem]:
    """One item for each step; the first step without which the others are pointless ends the test."""
    steps = [CheckItem("sign-in", ok=True, detail=told("The server was reached and let us in."))]
    try:
        tree = opened()
        tree.root()
    except Stop as error:
        return [*steps, CheckItem("list", ok=False, detail=said(error))]
    except MundapError as error:
        return [CheckItem("sign-in", ok=False, detail=said(error))]
    try:
        listed = list(islice(found(), _SAMPLE))
    except MundapError as error:
        return [*steps, CheckItem("list", ok=False, detail=said(error))]
    files = [item for item in listed if isinstance(item, Found)]
    steps.append(_listing(files, [item for item in listed if isinstance(item, Failure)]))
    further: dict[str, Callable[[], CheckItem]] = {
        "read content": lambda: _content(tree, files),
        "read permissions": lambda: _permissions(stated, files),
        "read groups": lambda: groups_step(stated.groups() if stated.groups else None),
    }
    for name, step in further.items():
        try:
            steps.append(step())
        except MundapError as error:
            return [*steps, CheckItem(name, ok=False, detail=said(error))]
    return steps


def _listing(files: Sequence[Found], failures: Sequence[Failure]) -> CheckItem:
    if not failures:
        return list_step(len(files), more=len(files) == _SAMPLE)
    first = failures[0]
    detail = told(
        "{count} of the first {all} entries are not readable; the first is '{name}': {detail}",
        count=len(failures),
        all=len(files) + len(failures),
        name=first.external_id,
        detail=first.detail or first.code,
    )
    return CheckItem("list", ok=False, detail=detail)


def _content(tree: Tree, files: Sequence[Found]) -> CheckItem:
    small = next((file for file in files if (file.node.size or 0) <= SAMPLE_BYTES), None)
    if small is None:
        return content_step("", lambda: b"")
    return content_step(small.external_id, lambda: tree.read(small.parts, limit=SAMPLE_BYTES))


def _permissions(stated: Stated, files: Sequence[Found]) -> CheckItem:
    return permissions_step(
        stated.rules(),
        [file.external_id for file in files],
        audience=stated.audience,
        has_access_file=stated.has_access_file,
    )
