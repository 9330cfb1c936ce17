"""The connection test of a bucket: what each right the connector needs turned out to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from assistant.common.told import said, told
from connectors.sdk.access_file import AccessRules
from connectors.sdk.contract import CheckItem, PrincipalEvent
from connectors.sdk.errors import ConnectorError
from connectors.sdk.trial_steps import SAMPLE_BYTES, content_step, groups_step, list_step, permissions_step
from connectors.sources.s3.bucket import Stored

_STEPS = ("list", "read content", "read permissions", "read groups")


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
        items.append(list_step(len(found), more=more))
        items.append(_content(sample, found))
        items.append(
            permissions_step(
                sample.rules(),
                [each.key for each in found],
                audience=told("everyone who can sign in"),
                has_access_file=has_access_file,
            )
        )
        items.append(groups_step(sample.groups() if sample.groups else None))
    except ConnectorError as error:
        items.append(CheckItem(_STEPS[len(items)], ok=False, detail=said(error)))
    return items


def _content(sample: Sample, found: Sequence[Stored]) -> CheckItem:
    tried = next((each.key for each in found if each.size <= SAMPLE_BYTES and not each.archived), "")
    return content_step(tried, lambda: sample.read(tried))
