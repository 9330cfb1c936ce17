"""The connection test of a DokuWiki: what each right that the connector needs turned out to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from assistant.common.errors import DocumentFailure
from assistant.common.told import said, told
from connectors.sdk.contract import CheckItem, Event, Failure, Upsert
from connectors.sdk.errors import ConnectorError
from connectors.sdk.exact_json import MalformedError
from connectors.sources.dokuwiki.people import Person
from connectors.sources.dokuwiki.rules import Rules


def try_out(
    *,
    sign_in: Callable[[], None],
    documents: Callable[[], Iterator[Event]],
    read_people: Callable[[], Mapping[str, Person]],
    read_rules: Callable[[], Rules],
) -> list[CheckItem]:
    """One item for each step."""
    rights = [_groups(read_people), _permissions(read_rules)]
    try:
        sign_in()
    except ConnectorError as error:
        return [CheckItem("sign-in", ok=False, detail=said(error)), *reversed(rights)]
    signed_in = CheckItem("sign-in", ok=True, detail=told("The wiki lets the user in."))
    try:
        events = list(documents())
    except ConnectorError as error:
        return [signed_in, CheckItem("list", ok=False, detail=said(error)), *reversed(rights)]
    found = [event for event in events if isinstance(event, Upsert)]
    failures = [event for event in events if isinstance(event, Failure) and not event.hide]
    return [signed_in, _listing(found, failures), _content(found), *reversed(rights)]


def _listing(found: list[Upsert], failures: list[Failure]) -> CheckItem:
    detail = (
        told("{count} pages and files", count=len(found))
        if found
        else told("The wiki shows this user no page.")
    )
    if failures:
        first = failures[0]
        detail = told(
            "{listed}; {count} not listed, the first is '{name}': {detail}",
            listed=detail,
            count=len(failures),
            name=first.external_id,
            detail=first.detail,
        )
    return CheckItem("list", ok=bool(found) and not failures, detail=detail)


def _content(found: list[Upsert]) -> CheckItem:
    if not found:
        return CheckItem("read content", ok=False, detail=told("There is no page to try."))
    try:
        found[0].fetch()
    except (DocumentFailure, ConnectorError) as error:
        return CheckItem(
            "read content",
            ok=False,
            detail=told("'{name}': {error}", name=found[0].external_id, error=error),
        )
    return CheckItem("read content", ok=True, detail=told("'{name}' can be read.", name=found[0].external_id))


def _permissions(read_rules: Callable[[], Rules]) -> CheckItem:
    step = "read permissions"
    try:
        rules = read_rules()
    except MalformedError as error:
        return CheckItem(step, ok=False, detail=said(error))
    if rules.bad:
        return CheckItem(
            step,
            ok=False,
            detail=told("Line {number} of the rules is not understood.", number=rules.bad[0].number),
        )
    return CheckItem(
        step, ok=True, detail=told("Rules for {count} pages and namespaces.", count=len(rules.levels))
    )


def _groups(read_people: Callable[[], Mapping[str, Person]]) -> CheckItem:
    step = "read groups"
    try:
        people = read_people()
    except MalformedError as error:
        return CheckItem(step, ok=False, detail=said(error))
    if not people:
        return CheckItem(step, ok=False, detail=told("The users file names nobody who could sign in."))
    groups = {name for person in people.values() for name in person.groups}
    without = sum(not person.mail for person in people.values())
    return CheckItem(
        step,
        ok=True,
        detail=told(
            "{accounts} accounts in {groups} groups, {without} without an address.",
            accounts=len(people),
            groups=len(groups),
            without=without,
        ),
    )
