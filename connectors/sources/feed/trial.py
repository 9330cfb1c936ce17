"""The connection test of feeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assistant.common.acl import NOBODY, Acl
from assistant.common.errors import DocumentFailure
from assistant.common.told import said, told
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
        return [CheckItem("list", ok=False, detail=said(error))]
    listed = CheckItem(
        "list", ok=bool(entries), detail=told("{count} entries on the first pages.", count=len(entries))
    )
    return [listed, _content(entries, content), _permissions(audience), _groups()]


def _content(entries: Sequence[FeedEntry], content: Callable[[FeedEntry], Content] | None) -> CheckItem:
    step = "read content"
    if not entries:
        return CheckItem(step, ok=False, detail=told("There is no entry to try."))
    if content is None:
        length = len(entries[0].body)
        return CheckItem(
            step,
            ok=True,
            detail=told("The first entry has {length} characters of its own.", length=f"{length:,}"),
        )
    try:
        content(entries[0])
    except (ConnectorError, DocumentFailure) as error:
        return CheckItem(step, ok=False, detail=told("{link}: {error}", link=entries[0].link, error=error))
    return CheckItem(step, ok=True, detail=told("{link} can be read.", link=entries[0].link))


def _permissions(audience: Acl) -> CheckItem:
    step = "read permissions"
    if audience == NOBODY:
        return CheckItem(step, ok=False, detail=told("No audience is named: nobody sees the documents."))
    names = ", ".join(str(entry.principal) for entry in audience.clauses[0].entries[:5])
    return CheckItem(step, ok=True, detail=told("Every entry is readable by: {names}.", names=names))


def _groups() -> CheckItem:
    return CheckItem("read groups", ok=True, detail=told("Feeds have no groups of their own."))
