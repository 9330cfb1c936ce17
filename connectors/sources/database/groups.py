"""Groups from a query with the columns `group` and `member`, one member a row."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.common.acl import PrincipalRef
from assistant.common.errors import FailureCode, UsageError
from assistant.common.told import told
from connectors.sdk.contract import Complete, Failure, GroupMembers, PrincipalEvent
from connectors.sdk.errors import Reconfigure
from connectors.sdk.exact_json import MalformedError, shown
from connectors.sources.database.rows import key_of, principals_of, printable_key
from connectors.sources.database.server import Dialect, HeldServer


def read_groups(held: HeldServer, table: str, dialect: Dialect) -> Iterator[PrincipalEvent]:
    """All groups, or one Failure: with a single row that is not understood, none of them can be trusted.

    A row whose member is NULL names a group that may have no members.
    """
    columns = {
        column.name.lower(): column.name
        for column in held.columns(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608
    }
    if not {"group", "member"} <= set(columns):
        raise Reconfigure(
            told("'groups_query' must give the columns 'group' and 'member' (as quoted names).")
        )
    names = ", ".join(dialect.quoted(columns[key]) for key in ("group", "member"))
    groups: dict[str, dict[PrincipalRef, None]] = {}
    for group, member in held.rows(f"SELECT {names} FROM {table}"):  # noqa: S608
        try:
            members = groups.setdefault(str(key_of(group)), {})
            members.update(dict.fromkeys(principals_of(member)))
        except (MalformedError, UsageError) as error:
            detail = told(
                "The group '{name}': {error}. Mend the row and sync again.",
                name=shown(printable_key(group)),
                error=error,
            )
            yield Failure("", FailureCode.BAD_PERMISSIONS, detail, hide=True, is_prefix=True)
            return
    for name in sorted(groups):
        yield GroupMembers(name, tuple(sorted(groups[name])))
    yield Complete()
