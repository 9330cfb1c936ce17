"""The connection test of repositories: what each right the connector needs turned out to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from assistant.common.errors import DocumentFailure
from assistant.common.told import said, told
from connectors.sdk.contract import BytesContent, CheckItem
from connectors.sdk.errors import ConnectorError
from connectors.sources.git.mirror import File, Mirror
from connectors.sources.git.program import Damaged
from connectors.sources.git.selection import Selection


def try_out(
    mirrors: Mapping[str, Mirror], selection: Selection, *, read: Callable[[Mirror, File], BytesContent]
) -> list[CheckItem]:
    """One item for each step: sign-in at every repository, list, read content, read permissions."""
    items = [_signed_in(mirrors)]
    if items[0].ok:
        items.extend(_read(next(iter(mirrors.values())), selection, read))
    audience = ", ".join(str(entry.principal) for clause in selection.acl.clauses for entry in clause.entries)
    detail = (
        told("Readable by: {audience}.", audience=audience)
        if audience
        else told("No audience is named, so nobody sees anything.")
    )
    return [*items, CheckItem("read permissions", ok=bool(audience), detail=detail)]


def _signed_in(mirrors: Mapping[str, Mirror]) -> CheckItem:
    for mirror in mirrors.values():
        try:
            mirror.head()
        except ConnectorError as error:
            return CheckItem("sign-in", ok=False, detail=said(error))
    return CheckItem("sign-in", ok=True, detail=told("{count} repositories answer.", count=len(mirrors)))


def _read(
    mirror: Mirror, selection: Selection, read: Callable[[Mirror, File], BytesContent]
) -> list[CheckItem]:
    name = mirror.where.name
    try:
        files = [found for found in mirror.files(mirror.newest()) if selection.takes(found.path)]
    except (ConnectorError, Damaged) as error:
        return [CheckItem("list", ok=False, detail=said(error))]
    if not files:
        return [
            CheckItem("list", ok=False, detail=told("'{name}' has no file that 'include' takes.", name=name))
        ]
    listed = CheckItem(
        "list", ok=True, detail=told("{count} files in '{name}'.", count=len(files), name=name)
    )
    sample = min(files, key=lambda found: found.size or 0)
    try:
        size = len(read(mirror, sample).data)
    except (ConnectorError, DocumentFailure) as error:
        return [listed, CheckItem("read content", ok=False, detail=said(error))]
    return [
        listed,
        CheckItem("read content", ok=True, detail=told("A file of {size} bytes was read.", size=size)),
    ]
