"""The connection test of a bucket: what each right the connector needs turned out to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from assistant.common.errors import DocumentFailure
from assistant.common.told import said, told
from connectors.sdk.access_file import AccessRules
from connectors.sdk.contract import CheckItem, Failure, GroupMembers, PrincipalEvent
from connectors.sdk.errors import ConnectorError
from connectors.sources.s3.bucket import Stored

_STEPS = ("list", "read content", "read permissions", "read groups")
_LARGEST_SAMPLE = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """What is tried. `objects` gives the documents of the first page and whether there are more."""

    objects: Callable[[], tuple[Sequence[Stored], bool]]
    read: Callable[[str], bytes]
    rules: Callable[[], AccessRules]
    groups: Callable[[], Iterable[PrincipalEvent]] | None


def try_out(sample: Sample, *, has_access_file: bool) -> list[CheckItem]:
    """One item for each step: list, read content, read permissions, read groups."""
    items: list[CheckItem] = []
    try:
        found, more = sample.objects()
        items.append(_listing(found, more=more))
        items.append(_content(sample, found))
        items.append(_permissions(sample.rules(), found, has_access_file=has_access_file))
        items.append(_groups(sample))
    except ConnectorError as error:
        items.append(CheckItem(_STEPS[len(items)], ok=False, detail=said(error)))
    return items


def _listing(found: Sequence[Stored], *, more: bool) -> CheckItem:
    if not found:
        return CheckItem("list", ok=False, detail=told("There are no documents under the prefix."))
    return CheckItem(
        "list",
        ok=True,
        detail=told("{count} documents and more", count=len(found))
        if more
        else told("{count} documents", count=len(found)),
    )


def _content(sample: Sample, found: Sequence[Stored]) -> CheckItem:
    step = "read content"
    tried = next((each for each in found if each.size <= _LARGEST_SAMPLE and not each.archived), None)
    if tried is None:
        return CheckItem(step, ok=False, detail=told("There is no small document to try."))
    try:
        sample.read(tried.key)
    except DocumentFailure as error:
        return CheckItem(step, ok=False, detail=told("'{key}': {detail}", key=tried.key, detail=error.detail))
    return CheckItem(step, ok=True, detail=told("'{name}' can be read.", name=tried.key))


def _permissions(rules: AccessRules, found: Sequence[Stored], *, has_access_file: bool) -> CheckItem:
    step = "read permissions"
    if rules.hidden:
        return CheckItem(step, ok=False, detail=rules.hidden[0].reason)
    audience = told("everyone who can sign in") if rules.otherwise.clauses else told("nobody")
    if not has_access_file:
        return CheckItem(
            step,
            ok=True,
            detail=told("No access file. What has no list of its own: {audience}.", audience=audience),
        )
    uncovered = sum(not rules.is_covered(each.key) for each in found)
    detail = told(
        "{count} prefixes; of {documents} documents, {uncovered} under none: {audience}.",
        count=len(rules.clauses),
        documents=len(found),
        uncovered=uncovered,
        audience=audience,
    )
    return CheckItem(step, ok=True, detail=detail)


def _groups(sample: Sample) -> CheckItem:
    step = "read groups"
    if sample.groups is None:
        detail = told("No groups file: groups in the access file have no known members.")
        return CheckItem(step, ok=True, detail=detail)
    events = list(sample.groups())
    for event in events:
        if isinstance(event, Failure):
            return CheckItem(step, ok=False, detail=event.detail)
    return CheckItem(
        step, ok=True, detail=told("{count} groups", count=sum(isinstance(e, GroupMembers) for e in events))
    )
