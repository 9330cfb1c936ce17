"""The connection test of a MediaWiki: what each right that the connector needs turned out to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import reduce

from assistant.common.errors import DocumentFailure
from assistant.common.told import said, told
from connectors.sdk.contract import Account, CheckItem, GroupMembers, PrincipalEvent, Upsert
from connectors.sdk.errors import ConnectorError
from connectors.sources.mediawiki.audiences import Audiences


def try_out(
    *,
    sign_in: Callable[[], None],
    some: Callable[[], list[Upsert]],
    namespaces: Callable[[], Mapping[int, str]],
    audiences: Audiences,
    principals: Callable[[], Iterator[PrincipalEvent]],
) -> list[CheckItem]:
    """One item for each step."""
    try:
        sign_in()
        items = [CheckItem("sign-in", ok=True, detail=told("The wiki lets the user in."))]
    except ConnectorError as error:
        return [CheckItem("sign-in", ok=False, detail=said(error))]
    try:
        read, found = namespaces(), some()
    except ConnectorError as error:
        return [*items, CheckItem("list", ok=False, detail=said(error))]
    return [
        *items,
        _listing(found, read),
        _content(found),
        _permissions(read, audiences),
        _groups(principals),
    ]


def _listing(found: list[Upsert], read: Mapping[int, str]) -> CheckItem:
    return CheckItem(
        "list",
        ok=bool(found),
        detail=told(
            "{count} pages or more in {namespaces} namespaces.", count=len(found), namespaces=len(read)
        ),
    )


def _content(found: list[Upsert]) -> CheckItem:
    if not found:
        return CheckItem("read content", ok=False, detail=told("There is no page to try."))
    try:
        found[0].fetch()
    except (DocumentFailure, ConnectorError) as error:
        return CheckItem(
            "read content", ok=False, detail=told("'{title}': {error}", title=found[0].title, error=error)
        )
    return CheckItem("read content", ok=True, detail=told("'{name}' can be read.", name=found[0].title))


def _permissions(read: Mapping[int, str], audiences: Audiences) -> CheckItem:
    nobody = [
        name or told("the main one") for number, name in read.items() if not audiences.of(number).clauses
    ]
    detail = told("Pages are read by whom the settings name.")
    if nobody:
        detail = told(
            "{said} Of {count} namespaces nobody is named: {names}.",
            said=detail,
            count=len(nobody),
            names=reduce(_and_next, nobody[:5]),
        )
    return CheckItem("read permissions", ok=True, detail=detail)


def _and_next(names: str, following: str) -> str:
    """A list that is told again name by name."""
    return told("{names}, {following}", names=names, following=following)


def _groups(principals: Callable[[], Iterator[PrincipalEvent]]) -> CheckItem:
    try:
        events = list(principals())
    except ConnectorError as error:
        return CheckItem("read groups", ok=False, detail=said(error))
    accounts = sum(isinstance(event, Account) for event in events)
    groups = sum(isinstance(event, GroupMembers) for event in events)
    return CheckItem(
        "read groups",
        ok=True,
        detail=told("{accounts} accounts in {groups} groups.", accounts=accounts, groups=groups),
    )
