"""The connection test of a database: what each right that Mundap needs turned out to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from assistant.common.acl import Acl
from assistant.common.errors import DocumentFailure
from assistant.common.told import said, told
from connectors.sdk.contract import CheckItem, Failure, PrincipalEvent
from connectors.sdk.errors import ConnectorError

Sample = tuple[list[tuple[str, Acl | Failure | None]], str]


def try_out(
    *, sample: Callable[[], Sample], groups: Callable[[], Iterator[PrincipalEvent]] | None
) -> list[CheckItem]:
    """One item for each step, up to the first that ends the test.

    `sample` gives ids and access lists of the first rows, and the id of one whose text was read.
    """
    try:
        lists, read = sample()
    except ConnectorError as error:
        return [CheckItem("sign-in", ok=False, detail=said(error))]
    except DocumentFailure as failure:
        return [
            CheckItem(
                "read content",
                ok=False,
                detail=told("The first row: {detail}", detail=failure.detail or failure.code),
            )
        ]
    return [
        CheckItem("sign-in", ok=True, detail=told("The database answers.")),
        CheckItem("list", ok=bool(lists), detail=told("{count} rows on the first page.", count=len(lists))),
        CheckItem(
            "read content",
            ok=bool(read),
            detail=told("'{name}' can be read.", name=read) if read else told("No row to try."),
        ),
        _permissions([acl for _, acl in lists]),
        _groups(groups),
    ]


def _permissions(lists: list[Acl | Failure | None]) -> CheckItem:
    step = "read permissions"
    broken = [acl for acl in lists if isinstance(acl, Failure)]
    if broken:
        return CheckItem(
            step,
            ok=False,
            detail=told("'{name}': {detail}", name=broken[0].external_id, detail=broken[0].detail),
        )
    hidden = sum(isinstance(acl, Acl) and not acl.clauses for acl in lists)
    return CheckItem(
        step, ok=True, detail=told("{hidden} rows of the first page are for nobody.", hidden=hidden)
    )


def _groups(groups: Callable[[], Iterator[PrincipalEvent]] | None) -> CheckItem:
    step = "read groups"
    if groups is None:
        return CheckItem(
            step, ok=True, detail=told("No groups query: groups that rows name have no known members.")
        )
    try:
        found = list(groups())
    except ConnectorError as error:
        return CheckItem(step, ok=False, detail=said(error))
    for event in found:
        if isinstance(event, Failure):
            return CheckItem(step, ok=False, detail=event.detail)
    return CheckItem(step, ok=True, detail=told("{count} groups", count=len(found) - 1))
