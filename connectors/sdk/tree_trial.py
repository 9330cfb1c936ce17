"""The connection test of a tree of files: what each right the connector needs turned out to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from assistant.common.errors import DocumentFailure, MundapError
from assistant.common.told import said, told
from connectors.sdk.access_file import AccessRules
from connectors.sdk.contract import CheckItem, Failure, PrincipalEvent
from connectors.sdk.errors import Stop
from connectors.sdk.tree import Found, Tree

_SAMPLE = 200
_SAMPLE_BYTES = 1_000_000


def try_out(
    opened: Callable[[], Tree],
    *,
    rules: Callable[[], AccessRules],
    found: Callable[[], Iterable[Found | Failure]],
    groups: Callable[[], Iterator[PrincipalEvent]],
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
        "read permissions": lambda: _permissions(rules(), files),
        "read groups": lambda: _groups(groups()),
    }
    for name, step in further.items():
        try:
            steps.append(step())
        except MundapError as error:
            return [*steps, CheckItem(name, ok=False, detail=said(error))]
    return steps


def _listing(files: Sequence[Found], failures: Sequence[Failure]) -> CheckItem:
    if failures:
        first = failures[0]
        detail = told(
            "{count} of the first {all} entries are not readable; the first is '{name}': {detail}",
            count=len(failures),
            all=len(files) + len(failures),
            name=first.external_id,
            detail=first.detail or first.code,
        )
        return CheckItem("list", ok=False, detail=detail)
    return CheckItem(
        "list",
        ok=bool(files),
        detail=_how_many(files),
    )


def _how_many(files: Sequence[Found]) -> str:
    if not files:
        return told("No file was found.")
    if len(files) == _SAMPLE:
        return told("at least {count} files", count=len(files))
    return told("{count} files", count=len(files))


def _content(tree: Tree, files: Sequence[Found]) -> CheckItem:
    small = [file for file in files if (file.node.size or 0) <= _SAMPLE_BYTES]
    if not small:
        return CheckItem("read content", ok=False, detail=told("There is no file to try."))
    name = small[0].external_id
    try:
        tree.read(small[0].parts, limit=_SAMPLE_BYTES)
    except DocumentFailure as error:
        return CheckItem(
            "read content",
            ok=False,
            detail=told("'{name}': {detail}", name=name, detail=error.detail or error.code),
        )
    return CheckItem("read content", ok=True, detail=told("'{name}' can be read.", name=name))


def _permissions(rules: AccessRules, files: Sequence[Found]) -> CheckItem:
    step = "read permissions"
    if rules.hidden:
        return CheckItem(step, ok=False, detail=rules.hidden[0].reason)
    uncovered = sum(not rules.is_covered(file.external_id) for file in files)
    rest = (
        told("readable by the audience or by their own rights")
        if rules.otherwise.clauses
        else told("readable by nobody")
    )
    detail = told(
        "{count} prefixes; of {all} files {uncovered} lie under none: {rest}.",
        count=len(rules.clauses),
        all=len(files),
        uncovered=uncovered,
        rest=rest,
    )
    return CheckItem(step, ok=True, detail=detail)


def _groups(events: Iterator[PrincipalEvent]) -> CheckItem:
    step = "read groups"
    count = -1
    for event in events:
        if isinstance(event, Failure):
            return CheckItem(step, ok=False, detail=event.detail)
        count += 1
    return CheckItem(
        step,
        ok=True,
        detail=told("{count} groups in the groups file", count=count) if count else told("No groups file."),
    )
