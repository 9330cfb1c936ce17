"""The inspector answers who holds the right, draws the way to the answer, and shows no title it may not."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistant.access.inspection import (
    Bearing,
    ClauseView,
    Decision,
    DocumentLabel,
    EntryView,
    Fact,
    Identity,
    IdentityOrigin,
    Inspection,
    PersonLabel,
    PrincipalLabel,
    Reason,
)
from assistant.accounts.models import Connection, Role, User
from assistant.audit.models import AuditEvent
from assistant.console.paging import Paging, number_in
from assistant.console.steps import StepKind, StepState, course_of, lines_of
from assistant.console.templatetags.inspecting import breakable, plain, short, spelled
from assistant.documents.models import Document, Hidden
from assistant.sync.models import SyncRun
from tests.conftest import PASSWORD, SmallWorld

HTMX = {"HX-Request": "true"}
KOREAN = {"Accept-Language": "ko"}
TITLES = ("Employee handbook", "Salary bands 2026", "Project Heron", "Forgotten note")


@pytest.fixture
def sec(client: Client, people: dict[str, User]) -> Client:
    """The browser of a security administrator who may read nothing but what everyone may."""
    user = User.objects.create_user("sec@example.com", PASSWORD, name="Sec", role=Role.SECURITY_ADMINISTRATOR)
    client.force_login(user)
    return client


def without_token(page: bytes) -> bytes:
    """A page without the token that differs each time."""
    return re.sub(rb'("X-CSRFToken": |nonce=)"[\w-]+"', b"", page)


def number(name: str) -> int:
    """The row id of a document of the small world."""
    return Document.objects.get(external_id=name).pk


def look(client: Client, person: User, document: str, **headers: str) -> str:
    """The inspection's page."""
    query = {"person": person.pk, "document": number(document)}
    response = client.get(reverse("console:permissions"), query, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def addresses(people: dict[str, User], world: SmallWorld) -> list[str]:
    """Each page of the inspector, with values that mean something."""
    ann = people["ann"].pk
    return [
        reverse("console:permissions"),
        f"{reverse('console:permissions')}?person={ann}&document={number('handbook')}",
        f"{reverse('console:suggest-people')}?who=ann",
        f"{reverse('console:suggest-documents')}?what=hand",
        reverse("console:readers", args=[number("handbook")]),
        reverse("console:shares", args=[ann]),
        reverse("console:seen", args=[ann, world.source_id]),
        reverse("console:changes", args=[world.source_id, SyncRun.objects.get().pk]),
    ]


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.CONTENT_ADMINISTRATOR])
def test_for_others_there_is_no_inspector(
    client: Client, people: dict[str, User], small_world: SmallWorld, role: Role
) -> None:
    User.objects.filter(pk=people["ann"].pk).update(role=role)
    client.force_login(User.objects.get(pk=people["ann"].pk))
    nowhere = without_token(client.get("/console/nothing/here/").content)
    for address in addresses(people, small_world):
        response = client.get(address)
        assert (response.status_code, without_token(response.content)) == (404, nowhere), address
    assert not AuditEvent.objects.filter(event="permissions_inspected").exists()


def test_an_auditor_may_look_and_not_change(
    client: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    client.force_login(User.objects.create_user("audit@example.com", PASSWORD, role=Role.AUDITOR))
    for address in addresses(people, small_world):
        assert client.get(address).status_code == 200, address
    rail = client.get(reverse("console:sources")).content.decode()
    assert reverse("console:permissions") in rail
    assert reverse("console:people") not in rail
    assert "Sync now" not in rail  # who may only look is offered no button that answers 404


def test_each_page_of_the_console_marks_its_own_link(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    pages = {
        reverse("console:sources"): reverse("console:sources"),
        reverse("console:changes", args=[small_world.source_id, SyncRun.objects.get().pk]): reverse(
            "console:sources"
        ),
        reverse("console:readers", args=[number("open")]): reverse("console:permissions"),
        reverse("console:person", args=[people["ann"].pk]): reverse("console:people"),
    }
    for page, section in pages.items():
        text = sec.get(page).content.decode()
        assert text.count('aria-current="page"') == 1
        before = text[: text.index('aria-current="page"')]
        assert before.rindex(f'href="{section}"') == before.rindex("href=")


def test_visible_through_a_nested_group(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    text = look(sec, people["bob"], "handbook")
    assert 'data-reason="allowed"' in text
    assert "sees this document: a rule allows <bdi>the group staff</bdi>" in text
    kinds = [part.split('"')[0] for part in text.split('data-kind="')[1:]]
    assert kinds == ["person", "identity", "group", "group", "clause", "document"]
    assert "Read <time" in text  # each group and clause with its age
    korean = look(sec, people["bob"], "handbook", **KOREAN)
    assert 'data-reason="allowed"' in korean


def test_hidden_by_a_deny(sec: Client, people: dict[str, User], small_world: SmallWorld) -> None:
    text = look(sec, people["bob"], "merger")
    assert 'data-reason="denied"' in text
    assert "does not see this document: a rule denies <bdi>the address bob@example.com</bdi>" in text
    assert 'data-state="stops"' in text
    assert "This line decides" in text
    assert "Not reached" in text


def test_hidden_by_age(sec: Client, people: dict[str, User], small_world: SmallWorld) -> None:
    long_ago = timezone.now() - timedelta(days=30)
    Document.objects.update(acl_confirmed_at=long_ago)
    Connection.objects.update(permissions_confirmed_at=long_ago)
    text = look(sec, people["ann"], "handbook")
    assert 'data-reason="permissions_too_old"' in text
    assert "Too old: it has let nobody in since <time" in text
    assert (
        "Nobody sees this document"
        in sec.get(reverse("console:readers", args=[number("handbook")])).content.decode()
    )


@pytest.mark.parametrize(
    ("hidden", "reason"),
    [(Hidden.PERMISSIONS, "permissions_in_doubt"), (Hidden.MISSING, "gone_from_source")],
)
def test_hidden_from_everybody(
    sec: Client, people: dict[str, User], small_world: SmallWorld, hidden: Hidden, reason: str
) -> None:
    Document.objects.filter(external_id="handbook").update(hidden=hidden)
    text = look(sec, people["ann"], "handbook")
    assert f'data-reason="{reason}"' in text
    assert "Hidden from everybody" in text


def test_a_closed_account_and_a_document_without_a_list_are_told_apart(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    assert 'data-reason="no_permissions"' in look(sec, people["ann"], "nobody")
    assert 'data-reason="not_named"' in look(sec, people["sam"], "handbook")
    User.objects.filter(pk=people["ann"].pk).update(is_active=False)
    text = look(sec, people["ann"], "handbook")
    assert 'data-reason="account_closed"' in text
    assert "account closed" in text


def test_a_deny_of_an_unknown_group_is_in_doubt(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    small_world.documents["open"]["acl"] = {"deny": ["group:ghost"], "allow": ["everyone"]}
    small_world.sync()
    text = look(sec, people["ann"], "open")
    assert 'data-reason="denied_in_doubt"' in text
    assert "which might include them" in text


def test_no_title_is_shown_that_the_inspecting_person_may_not_read(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    pages = [sec.get(address).content.decode() for address in addresses(people, small_world)]
    pages += [look(sec, people["cho"], name) for name in ("handbook", "salaries", "merger", "nobody")]
    for text in pages:
        assert [title for title in TITLES if title in text] == []
    assert "Visitor information" in look(sec, people["ann"], "open")


def test_one_match_is_chosen_at_once_and_several_are_offered(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    address = reverse("console:permissions")
    response = sec.get(address, {"who": "bob@example.com", "what": "merger"})
    assert response["Location"] == f"{address}?person={people['bob'].pk}&document={number('merger')}"
    response = sec.get(address, {"who": "bob", "what": "a"})
    assert response["Location"] == f"{address}?person={people['bob'].pk}&what=a"
    offered = sec.get(address, {"person": str(people["bob"].pk), "what": "a"}).content.decode()
    assert f"?person={people['bob'].pk}&amp;document={number('salaries')}" in offered
    assert "No document has this id" in sec.get(address, {"what": "no such thing"}).content.decode()


def test_suggestions_are_links_that_keep_what_is_chosen(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    document = number("handbook")
    text = sec.get(
        reverse("console:suggest-people"), {"who": "BOB@", "document": str(document)}, headers=HTMX
    ).content.decode()
    assert f"?person={people['bob'].pk}&amp;document={document}" in text
    assert "<html" not in text
    assert sec.get(reverse("console:suggest-people"), {"who": "  "}).content.decode().strip() == ""
    person = people["bob"].pk
    text = sec.get(
        reverse("console:suggest-documents"), {"what": "sal", "person": str(person)}
    ).content.decode()
    assert f"?person={person}&amp;document={number('salaries')}" in text


@pytest.mark.parametrize(
    "query",
    [
        {"person": "abc", "document": "-1"},
        {"person": "9" * 40},
        {"who": "\x00", "what": "\u202e"},
        {"who": "a" * 5000, "what": "b" * 5000},
        {"person": "１", "document": "²"},
    ],
)
def test_senseless_input_is_answered_with_the_empty_page(
    sec: Client, small_world: SmallWorld, query: dict[str, str]
) -> None:
    response = sec.get(reverse("console:permissions"), query)
    assert response.status_code == 200
    assert b'id="verdict"' not in response.content


def test_unknown_numbers_answer_404(sec: Client, people: dict[str, User], small_world: SmallWorld) -> None:
    ann, page = people["ann"].pk, reverse("console:permissions")
    for address in (
        f"{page}?person=99999",
        f"{page}?document=99999",
        f"{page}?person={ann}&document=99999",
        reverse("console:readers", args=[99999]),
        reverse("console:readers", args=[10**30]),
        reverse("console:shares", args=[99999]),
        reverse("console:seen", args=[ann, 99999]),
        reverse("console:changes", args=[small_world.source_id, 99999]),
        reverse("console:changes", args=[99999, SyncRun.objects.get().pk]),
    ):
        assert sec.get(address).status_code == 404, address


def test_readers_are_listed_with_their_way_and_those_outside_apart(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    small_world.documents["handbook"]["acl"] = {"allow": ["group:staff", "user:partner@outside.example"]}
    small_world.sync()
    text = sec.get(reverse("console:readers", args=[number("handbook")])).content.decode()
    assert "3 people see this document" in text
    for email in ("ann@example.com", "bob@example.com", "cho@example.com", "partner@outside.example"):
        assert email in text
    assert "sam@example.com" not in text
    assert sec.get(reverse("console:readers", args=[number("handbook")]), {"page": "7"}).status_code == 200


def test_shares_and_ids_of_what_a_person_sees(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    text = sec.get(reverse("console:shares", args=[people["ann"].pk])).content.decode()
    assert "<b>3</b> of 6 documents" in text
    text = sec.get(reverse("console:seen", args=[people["ann"].pk, small_world.source_id])).content.decode()
    assert "policy-ko" in text
    assert "salaries" not in text
    assert f"?person={people['ann'].pk}&amp;document={number('handbook')}" in text


def test_names_are_data(sec: Client, people: dict[str, User], small_world: SmallWorld) -> None:
    group = "<script>alert(1)</script>" + "g" * 480
    User.objects.filter(pk=people["ann"].pk).update(name='Ann <img src=x onerror="x"> \u202egnp')
    small_world.groups["hostile"] = {"group": group, "members": ["user:ann@example.com"]}
    small_world.documents["open"]["acl"] = {"allow": [f"group:{group}"]}
    small_world.sync()
    for text in (
        look(sec, people["ann"], "open"),
        sec.get(reverse("console:readers", args=[number("open")])).content.decode(),
    ):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "\u202e" not in text
        assert "‹U+202E›" in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_text_that_would_hide_or_reorder_is_shown_by_number() -> None:
    assert plain("a\u202eb\u200bc\n") == "a‹U+202E›b‹U+200B›c‹U+000A›"
    assert plain("문답 é مرحبا") == "문답 é مرحبا"
    assert short("x" * 48) == "x" * 48
    assert short("a" * 100 + "end") == "a" * 35 + "…" + "a" * 9 + "end"
    assert spelled("jiw\u043eo ≈ jiwoo") == "jiw\u043e‹U+043E›o ≈ jiwoo"
    assert breakable("<b>@x.org") == "&lt;b&gt;@<wbr>x.<wbr>org"


STAFF = PrincipalLabel("group", "staff", "world")
ADDRESS = PrincipalLabel("user", "ann@example.com")


def inspection(
    reason: Reason,
    decision: Decision = Decision.ALLOW,
    path: tuple[PrincipalLabel, ...] = (ADDRESS, STAFF),
    bearing: Bearing = Bearing.HELD,
) -> Inspection:
    """One clause with one entry that decides as told."""
    decided = decision is not Decision.NO_MATCH
    entry = EntryView(7, decision is not Decision.DENY, STAFF, None, bearing, decides=decided)
    now = timezone.now()
    return Inspection(
        person=PersonLabel(1, "ann@example.com", "Ann", "employee", is_active=True),
        document=DocumentLabel(2, "handbook", 1, "world"),
        visible=reason is Reason.ALLOWED,
        reason=reason,
        identities=(Identity(ADDRESS, IdentityOrigin.SIGN_IN_ADDRESS, since=now),),
        clauses=(ClauseView(1, decision, (entry,), 9, path if decided else ()),),
        facts=(
            Fact("access_list", now, 0.0, 60, too_old=False),
            Fact("groups", None, None, 60, too_old=True),
        ),
        at=now,
    )


@pytest.mark.parametrize(
    ("reason", "decision", "path", "bearing", "drawn"),
    [
        (
            Reason.ALLOWED,
            Decision.ALLOW,
            (ADDRESS, STAFF),
            Bearing.HELD,
            "person identity group clause document",
        ),
        (
            Reason.DENIED,
            Decision.DENY,
            (ADDRESS, STAFF),
            Bearing.HELD,
            "person identity group clause! document?",
        ),
        (Reason.DENIED_IN_DOUBT, Decision.DENY, (), Bearing.IN_DOUBT, "person group clause! document?"),
        (Reason.NOT_NAMED, Decision.NO_MATCH, (), Bearing.NOT_HELD, "person nothing clause! document?"),
        (Reason.ACCOUNT_CLOSED, Decision.NO_MATCH, (), Bearing.NOT_HELD, "person! document?"),
        (
            Reason.PERMISSIONS_TOO_OLD,
            Decision.ALLOW,
            (ADDRESS,),
            Bearing.HELD,
            "person identity clause document!",
        ),
        (Reason.GONE_FROM_SOURCE, Decision.DENY, (ADDRESS,), Bearing.HELD, "person document!"),
    ],
)
def test_the_chain_ends_where_the_way_ends(
    reason: Reason,
    decision: Decision,
    path: tuple[PrincipalLabel, ...],
    bearing: Bearing,
    drawn: str,
) -> None:
    marks = {StepState.PASSED: "", StepState.STOPS: "!", StepState.BEYOND: "?"}
    steps = course_of(inspection(reason, decision, path, bearing)).steps
    assert " ".join(f"{step.kind}{marks[step.state]}" for step in steps) == drawn


def test_a_long_chain_leaves_out_the_middle() -> None:
    groups = tuple(PrincipalLabel("group", f"g{n}", "world") for n in range(1000))
    steps = course_of(inspection(Reason.ALLOWED, path=(ADDRESS, *groups))).steps
    assert [step.left_out for step in steps if step.kind is StepKind.LEFT_OUT] == [996]
    named = [step.principal.external_id for step in steps if step.kind is StepKind.GROUP and step.principal]
    assert named == ["g0", "g1", "g998", "g999"]


def test_left_out_entries_are_counted_on_both_sides() -> None:
    clause = inspection(Reason.ALLOWED).clauses[0]
    assert [(line.left_out, line.entry is not None) for line in lines_of(clause)] == [
        (6, False),
        (0, True),
        (2, False),
    ]


def test_pages_of_a_long_list() -> None:
    assert (Paging(1, 0).count, Paging(1, 0).before, Paging(1, 0).after) == (1, None, None)
    assert (Paging(2, 101).count, Paging(2, 101).before, Paging(2, 101).after) == (3, 1, 3)
    assert (Paging(9, 101).before, Paging(9, 101).after) == (3, None)
    assert [number_in(text) for text in ("12", "-1", "", "1.5", "９", "1" * 19)] == [12, *[None] * 5]
