"""Rows of a relational database as documents: one query of the administrator gives them.

Where the query gives `changed_at`, a run reads only what changed since the last one, and
a window before it, for transactions that were committed late. Otherwise, and from time to
time, it lists every row; the texts that are long stay in the database until a
document is read. A resumed run goes on behind the id at which it was interrupted.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Protocol

from assistant.common.acl import Acl
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.pace import Stopped
from assistant.common.told import told
from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    CaughtUp,
    CheckItem,
    Checkpoint,
    Complete,
    DocumentAcl,
    Event,
    Failure,
    FeedGap,
    PermissionEvent,
    PrincipalEvent,
    TextContent,
    Tombstone,
    Upsert,
)
from connectors.sdk.errors import Reconfigure
from connectors.sdk.exact_json import MalformedError, shown
from connectors.sdk.names import escaped_id, id_problem
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings
from connectors.sources.database.engines import Engine
from connectors.sources.database.groups import read_groups
from connectors.sources.database.query import (
    MOST_REPEATED,
    PAGE,
    Asked,
    Statements,
    one_select,
    shape_of,
    wrapped,
)
from connectors.sources.database.rows import (
    Document,
    acl_of,
    comparable,
    document_of,
    key_of,
    printable_key,
    text_from,
)
from connectors.sources.database.server import Access, HeldServer, Row
from connectors.sources.database.trial import try_out

CHECKPOINT_EVERY = 100
_NO_ID = "./rows without an id"


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """The server and what is asked of it. `otherwise`: who reads, where the query has no `allowed`."""

    engine: Engine
    access: Access
    query: str
    groups_query: str
    otherwise: Acl
    overlap: timedelta


class _Page(Protocol):
    """A statement for the rows behind an id."""

    def __call__(self, *, after: str | int | None) -> Asked: ...


class DatabaseConnector(BaseSource):
    """One query on one database. Opens nothing until asked."""

    def __init__(self, settings: DatabaseSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._surroundings = surroundings
        # Texts are read while the listing goes on, so they need a connection of their own.
        self._reading = self._held()

    def check(self) -> list[CheckItem]:
        """Sign in, read the first page and one text, and try every access list in it and the groups."""
        return try_out(sample=self._sample, groups=self.principals if self._settings.groups_query else None)

    def documents(
        self, *, cursor: JsonObject | None = None, checkpoint: JsonObject | None = None
    ) -> Iterator[Event]:
        """Every row, or those that changed since the cursor, in the order of their ids."""
        held = self._held()
        try:
            statements = self._statements(held)
            stood = _stood(checkpoint) if checkpoint else self._standing(held, statements)
            since = self._since(cursor, statements)
            doubted = yield from self._doubted(held, statements)
            reported = 0
            for row in self._pages(held, partial(statements.documents, since=since), _after(checkpoint)):
                event = self._event(statements, row, doubted)
                if event is None:
                    continue
                yield event
                reported += 1
                if reported % CHECKPOINT_EVERY == 0:
                    yield Checkpoint({"after": key_of(row[0]), "stood": stood})
            if since is not None and stood is not None:
                yield CaughtUp({"changed_at": stood})
            elif _NO_ID not in doubted:
                yield Complete(None if stood is None else {"changed_at": stood})
        finally:
            held.close()

    def permissions(self) -> Iterator[PermissionEvent]:
        """The access list of every row; the database sends ids and lists only."""
        held = self._held()
        try:
            statements = self._statements(held)
            doubted = yield from self._doubted(held, statements)
            for row in self._pages(held, statements.permissions, None):
                acl = self._acl_or_failure(statements, row, doubted)
                if isinstance(acl, Failure):
                    yield acl
                elif acl is not None:
                    yield DocumentAcl(str(key_of(row[0])), acl)
            if _NO_ID not in doubted:
                yield Complete()
        finally:
            held.close()

    def principals(self) -> Iterator[PrincipalEvent]:
        """The groups of the groups query: all of them, or none and the reason."""
        if not self._settings.groups_query:
            yield Complete()
            return
        held = self._held()
        try:
            query = one_select(self._settings.groups_query, "groups_query")
            yield from read_groups(held, wrapped(query, "members"), self._settings.engine.dialect)
        finally:
            held.close()

    def again(self, external_ids: Sequence[str]) -> Iterator[Event]:
        """These rows, looked up by their ids."""
        held = self._held()
        try:
            statements = self._statements(held)
            doubted = yield from self._doubted(held, statements)
            for start in range(0, len(external_ids), PAGE):
                wanted = dict.fromkeys(external_ids[start : start + PAGE])
                for row in held.rows(*statements.documents_with(list(wanted))):
                    wanted.pop(printable_key(row[0]), None)
                    event = self._event(statements, row, doubted)
                    if event is not None:
                        yield event
                yield from (Tombstone(each) for each in wanted if each not in doubted)
        finally:
            held.close()

    def close(self) -> None:
        """Hang up."""
        self._reading.close()

    def _held(self) -> HeldServer:
        settings = self._settings
        return HeldServer(
            lambda: settings.engine.connect(settings.access, self._surroundings), self._surroundings
        )

    def _statements(self, held: HeldServer) -> Statements:
        query = one_select(self._settings.query, "query")
        dialect = self._settings.engine.dialect
        columns = held.columns(f"SELECT * FROM {wrapped(query, 'documents')} LIMIT 0")  # noqa: S608
        return Statements(dialect, query, shape_of(columns))

    def _standing(self, held: HeldServer, statements: Statements) -> str | None:
        """The latest time of change before the listing; None: there is no feed."""
        if statements.shape.changed_at is None:
            return None
        ((latest,),) = held.rows(*statements.latest())
        if isinstance(latest, datetime):
            return latest.isoformat()
        return datetime.combine(latest, time()).isoformat() if isinstance(latest, date) else None

    def _since(self, cursor: JsonObject | None, statements: Statements) -> datetime | None:
        """From when on rows are read. Raises FeedGap for a cursor that the query no longer fits."""
        if cursor is None:
            return None
        try:
            stood = datetime.fromisoformat(str(cursor.get("changed_at")))
        except ValueError as error:
            raise FeedGap from error
        if statements.shape.changed_at is None:
            raise FeedGap
        try:
            return stood - self._settings.overlap
        except OverflowError as error:
            raise FeedGap from error

    def _doubted(self, held: HeldServer, statements: Statements) -> Generator[Failure, None, frozenset[str]]:
        """Report ids that stand on several rows, and rows without one; gives back these names."""
        repeated = [printable_key(row[0]) for row in held.rows(*statements.repeated())]
        if len(repeated) > MOST_REPEATED:
            raise Reconfigure(
                told(
                    "More than {most} ids stand on several rows: name a unique column 'id'.",
                    most=MOST_REPEATED,
                )
            )
        for name in sorted(repeated):
            detail = told(
                "The id '{name}' stands on several rows; their permissions may differ.", name=shown(name)
            )
            yield Failure(_id_or_escaped(name), FailureCode.DUPLICATE_ID, detail, hide=True)
        doubted = set(repeated)
        ((number,),) = held.rows(*statements.without_id())
        if number:
            yield Failure(_NO_ID, FailureCode.BAD_RECORD, told("{number} rows have no id.", number=number))
            doubted.add(_NO_ID)
        return frozenset(doubted)

    def _pages(self, held: HeldServer, page: _Page, after: str | int | None) -> Iterator[Row]:
        while True:
            if self._surroundings.stopped():
                raise Stopped
            rows = held.rows(*page(after=after))
            yield from rows
            if len(rows) < PAGE:
                return
            after = _behind(rows[-1][0])

    def _event(self, statements: Statements, row: Row, doubted: frozenset[str]) -> Upsert | Failure | None:
        acl = self._acl_or_failure(statements, row, doubted)
        if acl is None or isinstance(acl, Failure):
            return acl
        return self._upsert(statements, document_of(row, statements.shape), acl)

    def _acl_or_failure(
        self, statements: Statements, row: Row, doubted: frozenset[str]
    ) -> Acl | Failure | None:
        """The row's access list, why it has none, or None: the row was reported before."""
        name = printable_key(row[0])
        if name in doubted:
            return None
        try:
            key_of(row[0])
        except MalformedError as error:
            detail = told("The row is not taken: {error}.", error=error)
            return Failure(escaped_id(name), FailureCode.BAD_RECORD, detail)
        if statements.shape.allowed is None:
            return self._settings.otherwise
        try:
            return acl_of(row[1])
        except MalformedError as error:
            detail = told("Who may read the row is not known: {error}.", error=error)
            return Failure(str(key_of(row[0])), FailureCode.BAD_PERMISSIONS, detail, hide=True)

    def _upsert(self, statements: Statements, document: Document, acl: Acl) -> Upsert:
        return Upsert(
            external_id=document.external_id,
            version=document.version,
            title=document.title,
            name="",
            url=document.url,
            media_type="text/plain",
            modified=document.modified,
            attributes=document.attributes,
            acl=acl,
            size=document.size,
            fetch=partial(self._fetch, statements, document),
        )

    def _fetch(self, statements: Statements, document: Document) -> TextContent:
        if document.problem:
            raise DocumentFailure(FailureCode.BAD_RECORD, document.problem)
        most = self._surroundings.max_content_bytes
        if document.size is not None and document.size > most:
            raise DocumentFailure(FailureCode.TOO_LARGE, told("{size} bytes", size=document.size))
        text: object = document.text
        if text is None and document.size is not None:
            rows = self._reading.rows(*statements.text_of(document.key))
            if len(rows) != 1:
                code = FailureCode.DUPLICATE_ID if rows else FailureCode.GONE
                raise DocumentFailure(code, told("{count} rows have this id now", count=len(rows)))
            text = rows[0][0]
        try:
            read = text_from(text)
        except MalformedError as error:
            detail = told("The row is not taken: {error}.", error=error)
            raise DocumentFailure(FailureCode.BAD_RECORD, detail) from error
        if not read.strip():
            raise DocumentFailure(FailureCode.EMPTY)
        return TextContent(read)

    def _sample(self) -> tuple[list[tuple[str, Acl | Failure | None]], str]:
        """Ids and lists of the first page, and the id of a row whose text could be read."""
        held = self._held()
        try:
            statements = self._statements(held)
            rows = held.rows(*statements.documents(after=None, since=None))
            lists = [
                (printable_key(row[0]), self._acl_or_failure(statements, row, frozenset())) for row in rows
            ]
            for row in rows[:1]:
                event = self._event(statements, row, frozenset())
                if isinstance(event, Upsert):
                    event.fetch()
                    return lists, event.external_id
            return lists, ""
        finally:
            held.close()


def _behind(value: object) -> str | int:
    """The id behind which the next page begins."""
    try:
        return comparable(value)
    except MalformedError as error:
        raise Reconfigure(
            told("The column 'id' cannot be used: {error}. Convert it to a text.", error=error)
        ) from error


def _after(checkpoint: JsonObject | None) -> str | int | None:
    after = checkpoint.get("after") if checkpoint else None
    return after if isinstance(after, (str, int)) else None


def _stood(checkpoint: JsonObject) -> str | None:
    stood = checkpoint.get("stood")
    return stood if isinstance(stood, str) else None


def _id_or_escaped(name: str) -> str:
    return escaped_id(name) if id_problem(name) else name
