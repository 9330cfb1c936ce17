"""The administrator's query, and what is asked of the database with it.

The query stands in brackets inside our own statements, so it can be nothing but one
SELECT. Rows come in the order of their ids, a page at a time, each page in a statement
of its own: a page cannot shift under the reading, and no result is ever held whole. A
long text stays in the database until it is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from assistant.common.told import told
from connectors.sdk.errors import Reconfigure
from connectors.sdk.exact_json import shown
from connectors.sdk.permission_words import sounds_like_permission
from connectors.sources.database.server import Column, Dialect, Parameter

PAGE = 200
LONGEST_LISTED = 32_768  # bytes of a text that comes with its row
MOST_REPEATED = 1_000
_NAMED = ("id", "title", "text", "changed_at", "url", "allowed")
_BEGINNING = re.compile(r"\s*\(*\s*(select|with)\b", re.IGNORECASE)

Asked = tuple[str, list[Parameter]]


def one_select(text: str, setting: str) -> str:
    """The query without its last semicolon.

    Raises:
        Reconfigure: it is no SELECT, or holds another semicolon.
    """
    query = text.strip().removesuffix(";").strip()
    if not _BEGINNING.match(query):
        raise Reconfigure(told("'{setting}' must be one SELECT.", setting=setting))
    if ";" in query:
        raise Reconfigure(
            told(
                "'{setting}' must be one statement: take the semicolon out, also out of a text.",
                setting=setting,
            )
        )
    return query


def wrapped(query: str, name: str) -> str:
    """The query as a table in another statement, its `%` doubled."""
    return f"(\n{query.replace('%', '%%')}\n) AS {name}"


@dataclass(frozen=True, slots=True)
class Shape:
    """Which column is what. `attributes`: those that have no meaning of their own."""

    id: Column
    text: Column
    title: Column | None
    changed_at: Column | None
    url: Column | None
    allowed: Column | None
    attributes: tuple[Column, ...]


def shape_of(columns: Sequence[Column]) -> Shape:
    """The meaning of the columns of the query, by their names in any case.

    Raises:
        Reconfigure: one is missing, stands twice, or sounds like a permission without being one.
    """
    named: dict[str, Column] = {}
    others: list[Column] = []
    for column in columns:
        key = column.name.lower()
        if key in named or key in {other.name.lower() for other in others}:
            raise Reconfigure(
                told("The query gives the column '{name}' twice: rename one.", name=shown(column.name))
            )
        if key in _NAMED:
            named[key] = column
        elif sounds_like_permission(column.name):
            raise Reconfigure(
                told(
                    "The column '{name}' sounds like a permission, which only 'allowed' can be. Rename "
                    "it, or leave it out.",
                    name=shown(column.name),
                )
            )
        else:
            others.append(column)
    for needed in ("id", "text"):
        if needed not in named:
            raise Reconfigure(
                told(
                    "The query gives no column '{needed}': name one so (SELECT ... AS {needed}).",
                    needed=needed,
                )
            )
    changed_at = named.get("changed_at")
    if changed_at is not None and not changed_at.is_time:
        raise Reconfigure(told("The column 'changed_at' must be a date or a time."))
    return Shape(
        id=named["id"],
        text=named["text"],
        title=named.get("title"),
        changed_at=changed_at,
        url=named.get("url"),
        allowed=named.get("allowed"),
        attributes=tuple(others),
    )


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements over one query."""

    dialect: Dialect
    query: str
    shape: Shape

    def documents(self, *, after: str | int | None, since: datetime | None) -> Asked:
        """A page for `rows.document_of`: id, allowed, title, text, bytes, digest, changed_at, url, others.

        `since`: only those that changed at that time or later, or say no time.
        """
        shape, content = self.shape, self.dialect.content(self.shape.text)
        short = f"CASE WHEN octet_length({content}) <= {LONGEST_LISTED} THEN {content} END"
        columns = [
            self._id,
            self._or_null(shape.allowed),
            self._or_null(shape.title),
            short,
            f"octet_length({content})",
            f"md5({content})",
            self._or_null(shape.changed_at),
            self._or_null(shape.url),
            *(self.dialect.quoted(column.name) for column in shape.attributes),
        ]
        return self._page(columns, after=after, since=since)

    def permissions(self, *, after: str | int | None) -> Asked:
        """A page of ids and what stands in `allowed`."""
        return self._page([self._id, self._or_null(self.shape.allowed)], after=after, since=None)

    def documents_with(self, ids: Sequence[str]) -> Asked:
        """As `documents`, those with these ids."""
        statement, _ = self.documents(after=None, since=None)
        listed = ", ".join(["%s"] * len(ids))
        head, order, tail = statement.rpartition(" ORDER BY ")
        return f"{head} AND {self.dialect.exact(self._id)} IN ({listed}){order}{tail}", list(ids)

    def text_of(self, key: str | int) -> Asked:
        """The whole text of a row."""
        content, exact = self.dialect.content(self.shape.text), self.dialect.exact
        where = f"{self._id} = %s AND {exact(self._id)} = {exact('%s')}"
        return self._select(content, where, "LIMIT 2"), [key, str(key)]

    def repeated(self) -> Asked:
        """Ids that stand on more than one row."""
        exact, most = self.dialect.exact(self._id), MOST_REPEATED + 1
        rest = f"GROUP BY {exact} HAVING count(*) > 1 LIMIT {most}"
        return self._select(exact, f"{self._id} IS NOT NULL", rest), []

    def without_id(self) -> Asked:
        """How many rows have no id."""
        return self._select("count(*)", f"{self._id} IS NULL"), []

    def latest(self) -> Asked:
        """The latest time of change."""
        latest = f"max({self._or_null(self.shape.changed_at)})"
        return self._select(latest, f"{self._id} IS NOT NULL"), []

    @property
    def _id(self) -> str:
        return self.dialect.identity(self.shape.id)

    def _or_null(self, column: Column | None) -> str:
        return "NULL" if column is None else self.dialect.quoted(column.name)

    def _page(self, columns: Sequence[str], *, after: str | int | None, since: datetime | None) -> Asked:
        exact, identity = self.dialect.exact, self._id
        where, parameters = [f"{identity} IS NOT NULL"], list[Parameter]()
        if after is not None:
            # A collation may take two ids for one; the bytes then decide, here as in the order below.
            where.append(f"({identity} > %s OR ({identity} = %s AND {exact(identity)} > {exact('%s')}))")
            parameters += [after, after, str(after)]
        if since is not None:
            changed_at = self._or_null(self.shape.changed_at)
            where.append(f"({changed_at} >= %s OR {changed_at} IS NULL)")
            parameters.append(since)
        rest = f"ORDER BY {identity}, {exact(identity)} LIMIT {PAGE}"
        return self._select(", ".join(columns), " AND ".join(where), rest), parameters

    def _select(self, what: str, where: str, rest: str = "") -> str:
        """Values go in as parameters; all else is ours, but for the administrator's query in its brackets."""
        table = wrapped(self.query, "documents")
        return f"SELECT {what} FROM {table} WHERE {where} {rest}"  # noqa: S608
