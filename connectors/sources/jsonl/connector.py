"""A file with one document, group or account a line; documents carry their access lists.

Every run reads the whole file twice. The first reading finds the ids that stand on
two lines: their lists may differ, and showing the document until the second line is
met would be a leak on every run. The second reading reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from assistant.common.acl import NOBODY, PUBLIC, Acl
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import said, told
from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    Account,
    CheckItem,
    Checkpoint,
    Complete,
    DocumentAcl,
    Event,
    Failure,
    PermissionEvent,
    PrincipalEvent,
    TextContent,
    Upsert,
)
from connectors.sdk.errors import ConnectorError
from connectors.sdk.exact_json import MalformedError
from connectors.sdk.group_record import parse_account, parse_group
from connectors.sdk.source import BaseSource
from connectors.sources.jsonl.lines import JsonLines, open_lines
from connectors.sources.jsonl.record import (
    Record,
    content_version,
    document_acl,
    document_id,
    document_record,
    is_principal,
)

CHECKPOINT_EVERY = 100


class JsonlConnector(BaseSource):
    """One file of lines. Opens nothing until asked."""

    def __init__(self, *, path: Path, everyone: bool = False) -> None:
        self._path = path
        self._otherwise = PUBLIC if everyone else NOBODY

    def check(self) -> list[CheckItem]:
        """Read the file through, and say what its lines hold."""
        try:
            documents = list(self.permissions())
            groups = list(self.principals())
        except ConnectorError as error:
            return [CheckItem("list", ok=False, detail=said(error))]
        listed = [event for event in documents if isinstance(event, DocumentAcl)]
        broken = [event for event in documents if isinstance(event, Failure)]
        in_doubt = [event for event in broken if event.hide]
        hidden = sum(event.acl == NOBODY for event in listed)
        return [
            CheckItem("list", ok=bool(listed), detail=told("{count} documents", count=len(listed))),
            _item(
                "read content", [each for each in broken if not each.hide], told("Every line can be read.")
            ),
            _item(
                "read permissions", in_doubt, told("{hidden} documents are visible to nobody.", hidden=hidden)
            ),
            _item(
                "read groups",
                [e for e in groups if isinstance(e, Failure)],
                told("{count} groups", count=len(groups) - 1),
            ),
        ]

    def documents(
        self,
        *,
        cursor: JsonObject | None = None,  # noqa: ARG002 - see the module
        checkpoint: JsonObject | None = None,  # noqa: ARG002
    ) -> Iterator[Event]:
        """Every document, whatever the checkpoint: a file of lines has no change feed."""
        complete = True
        reported = 0
        with open_lines(self._path) as lines:
            for number, item in self._documents(lines):
                if isinstance(item, Failure):
                    complete = complete and item.external_id != _line_name(number)
                    yield item
                    continue
                name, line, acl = item
                yield _upsert(number, name, line, acl)
                reported += 1
                if reported % CHECKPOINT_EVERY == 0:
                    lines.confirm_unchanged()
                    yield Checkpoint({"line": number})
        if complete:
            yield Complete()

    def permissions(self) -> Iterator[PermissionEvent]:
        """The ACL of every document line."""
        complete = True
        with open_lines(self._path) as lines:
            for number, item in self._documents(lines):
                if isinstance(item, Failure):
                    complete = complete and item.external_id != _line_name(number)
                    yield item
                    continue
                name, _line, acl = item
                yield DocumentAcl(name, acl)
        if complete:
            yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """Every group and account line. Complete only when each line of the file could be read."""
        complete = True
        seen: set[tuple[type, str]] = set()
        with open_lines(self._path) as lines:
            for number, line in lines.records():
                if isinstance(line, MalformedError):
                    complete = False
                    yield _failure(number, _line_name(number), FailureCode.BAD_RECORD, said(line))
                    continue
                if "id" in line:
                    continue
                name = _line_name(number)
                try:
                    event = parse_account(line) if "account" in line else parse_group(line)
                    name = event.id if isinstance(event, Account) else event.group
                    if (type(event), name) in seen:
                        raise MalformedError(told("'{name}' stands on an earlier line too", name=name))
                    seen.add((type(event), name))
                    yield event
                except MalformedError as error:
                    complete = False
                    yield _failure(number, name, FailureCode.BAD_PERMISSIONS, said(error), hide=True)
        if complete:
            yield Complete()

    def _documents(self, lines: JsonLines) -> Iterator[tuple[int, tuple[str, JsonObject, Acl] | Failure]]:
        """Each document line as id, line and ACL, or why it is none that may be shown."""
        repeated = _repeated_ids(lines)
        for number, line in lines.records():
            if isinstance(line, MalformedError):
                yield number, _failure(number, _line_name(number), FailureCode.BAD_RECORD, said(line))
                continue
            if is_principal(line):
                continue
            try:
                name = document_id(line)
            except MalformedError as error:
                yield number, _failure(number, _line_name(number), FailureCode.BAD_RECORD, said(error))
                continue
            if name in repeated:
                detail = told("this id stands on more than one line; their permissions may differ")
                yield number, _failure(number, name, FailureCode.DUPLICATE_ID, detail, hide=True)
                continue
            try:
                yield number, (name, line, document_acl(line, otherwise=self._otherwise))
            except MalformedError as error:
                yield number, _failure(number, name, FailureCode.BAD_PERMISSIONS, said(error), hide=True)


def _repeated_ids(lines: JsonLines) -> frozenset[str]:
    seen: set[str] = set()
    repeated: set[str] = set()
    for _, line in lines.records():
        if isinstance(line, MalformedError) or is_principal(line):
            continue
        try:
            name = document_id(line)
        except MalformedError:
            continue
        (repeated if name in seen else seen).add(name)
    return frozenset(repeated)


def _upsert(number: int, name: str, line: JsonObject, acl: Acl) -> Upsert:
    """The document of a line. With malformed content it is reported all the same.

    So its permissions, which are sound, are obeyed at once; `fetch` then says what is wrong.
    """
    version = content_version(line)
    try:
        record = document_record(line)
    except MalformedError as error:
        fetch = partial(_refuse, told("Line {number}: {detail}.", number=number, detail=error))
        return Upsert(name, version, "", "", "", "text/plain", None, {}, acl, None, fetch)
    return Upsert(
        external_id=name,
        version=version,
        title=record.title,
        name="",
        url=record.url,
        media_type="text/plain",
        modified=record.modified,
        attributes=record.attributes,
        acl=acl,
        size=len(record.text.encode()),
        fetch=partial(_content, record),
    )


def _content(record: Record) -> TextContent:
    return TextContent(record.text)


def _refuse(detail: str) -> TextContent:
    raise DocumentFailure(FailureCode.BAD_RECORD, detail)


def _line_name(number: int) -> str:
    return f"line {number}"


def _failure(number: int, name: str, code: FailureCode, detail: str, *, hide: bool = False) -> Failure:
    return Failure(name, code, told("Line {number}: {detail}.", number=number, detail=detail), hide=hide)


def _item(step: str, failures: list[Failure], success: str) -> CheckItem:
    if not failures:
        return CheckItem(step, ok=True, detail=success)
    return CheckItem(
        step, ok=False, detail=told("{count} lines: {detail}", count=len(failures), detail=failures[0].detail)
    )
