"""The connection test of feeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assistant.common.acl import NOBODY, Acl
from assistant.common.errors import DocumentFailure
from connectors.sdk.contract import CheckItem, Content, Failure
from connectors.sdk.errors import ConnectorError
from connectors.sources.feed.document import FeedEntry
from connectors.sources.feed.reading import Reading


def try_out(
    readings: Sequence[Reading], *, content: Callable[[FeedEntry], Content] | None, audience: Acl
) -> list[CheckItem]:
    """One item for each step. `content` reads a linked page; None: entries speak for themselves."""
    entries: list[FeedEntry] = []
    try:
        for reading in readings:
            for page in reading.pages():
                entries += () if isinstance(page, Failure) else page.entries
    except ConnectorError as error:
        return [CheckItem("list", ok=False, detail=str(error))]
    listed = CheckItem("list", ok=bool(entries), detail=f"{len(entries)} entries on the first pages.")
    return [listed, _content(entries, content), _permissions(audience), _groups()]


def _content(entries: Sequence[FeedEntry], content: Callable[[FeedEntry], Content] | None) -> CheckItem:
    step = "read content"
    if not entries:
        return CheckItem(step, ok=False, detail="There is no entry to try.")
    if content is None:
        length = len(entries[0].body)
        return CheckItem(step, ok=True, detail=f"The first entry has {length:,} characters of its own.")
    try:
        content(entries[0])
    except (ConnectorError, DocumentFailure) as error:
        return CheckItem(step, ok=False, detail=f"{entries[0].link}: {error}")
    return CheckItem(step, ok=True, detail=f"{entries[0].link} can be read.")


def _permissions(audience: Acl) -> CheckItem:
    step = "read permissions"
    if audience == NOBODY:
        return CheckItem(step, ok=False, detail="No audience is named: nobody sees the documents.")
    names = ", ".join(str(entry.principal) for entry in audience.clauses[0].entries[:5])
    return CheckItem(step, ok=True, detail=f"Every entry is readable by: {names}.")


def _groups() -> CheckItem:
    return CheckItem("read groups", ok=True, detail="Feeds have no groups of their own.")
