"""The inspector over the API: for those who may inspect, and never more than its ids and names."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest
from django.utils import timezone

from assistant.accounts.models import Connection, Role, User
from assistant.accounts.people import add_alias, set_role
from assistant.audit.models import AuditEvent
from assistant.common.types import Json
from assistant.documents.models import Body, Document
from assistant.sync.models import SyncRun
from tests.api.calling import Answer, Caller, JsonDict, caller_of
from tests.conftest import SmallWorld

INSPECTING = (Role.SECURITY_ADMINISTRATOR, Role.AUDITOR, Role.ADMINISTRATOR)


def number_of(external_id: str) -> int:
    return Document.objects.get(external_id=external_id).pk


def calls(world: SmallWorld) -> dict[str, dict[str, str | int | list[str]]]:
    """Every call of the inspector, by its path, with parameters that are right."""
    document, run = number_of("merger"), SyncRun.objects.latest("pk").pk
    return {
        "permissions/explain": {"person": "bob@example.com", "document": document},
        "permissions/documents": {"text": "merger"},
        f"permissions/documents/{document}/readers": {},
        "permissions/people": {"text": "bob"},
        "permissions/people/bob@example.com/sources": {},
        "permissions/people/bob@example.com/documents": {"source": world.source_id},
        f"permissions/runs/{run}/changes": {},
    }


def get(caller: Caller, path: str, parameters: dict[str, str | int | list[str]]) -> Answer:
    return caller.send("GET", path, parameters=parameters)


@pytest.fixture
def ada(small_world: SmallWorld, people: dict[str, User]) -> Caller:
    """A program of the administrator, who may read nothing but what is open."""
    return caller_of(people["ada"])


def test_only_who_may_inspect_is_answered(small_world: SmallWorld, people: dict[str, User]) -> None:
    caller = caller_of(people["ann"])
    nowhere = caller.get("documents/987654")
    for role in Role:
        set_role(user_id=people["ann"].pk, role=role, actor="test")
        for path, parameters in calls(small_world).items():
            answer = get(caller, path, parameters)
            if role in INSPECTING:
                assert answer.status == 200, (role, path, answer.body)
            else:
                assert (answer.status, answer.body, answer.headers) == (404, nowhere.body, nowhere.headers)
                assert get(caller, path, {"page": "x", "no": "y"}).body == nowhere.body, (role, path)
                assert caller.send("POST", path).body == nowhere.body, (role, path)


def test_no_call_tells_text_or_the_title_of_what_the_caller_may_not_read(
    ada: Caller, small_world: SmallWorld
) -> None:
    shown = ""
    for document in Document.objects.all():
        for name in ("ann", "bob", "cho", "sam", "ada"):
            parameters: dict[str, str | int | list[str]] = {
                "person": f"{name}@example.com",
                "document": document.pk,
            }
            shown += get(ada, "permissions/explain", parameters).body.decode()
        shown += ada.get(f"permissions/documents/{document.pk}/readers").body.decode()
    shown += "".join(get(ada, *call).body.decode() for call in calls(small_world).items())
    assert "Visitor information" in shown
    assert "merger" in shown
    for document in Document.objects.exclude(external_id="open"):
        assert document.title not in shown
    for body in Body.objects.all():
        assert body.text[:30] not in shown


def test_it_explains_a_nested_group_and_a_deny(ada: Caller) -> None:
    seen = ada.get("permissions/explain", person="CHO@example.com", document=number_of("handbook")).value
    assert (seen["visible"], seen["reason"]) == (True, "allowed")
    clause = cast(list[JsonDict], seen["clauses"])[0]
    path = cast(list[JsonDict], clause["path"])
    assert [step["external_id"] for step in path] == ["cho@example.com", "executives", "staff"]
    denied = ada.get("permissions/explain", person="bob@example.com", document=number_of("merger")).value
    assert (denied["visible"], denied["reason"]) == (False, "denied")


def test_a_person_is_found_by_an_alias(ada: Caller, people: dict[str, User]) -> None:
    add_alias(user_id=people["cho"].pk, address="cho/seoul@example.com", actor="test")
    parameters: dict[str, str | int | list[str]] = {
        "person": "cho/seoul@example.com",
        "document": number_of("merger"),
    }
    seen = get(ada, "permissions/explain", parameters).value
    assert cast(JsonDict, seen["person"])["email"] == "cho@example.com"
    assert ada.get("permissions/people/cho%2Fseoul@example.com/sources").status == 200


def test_it_says_who_sees_a_document_and_what_a_person_sees(ada: Caller, small_world: SmallWorld) -> None:
    readers = ada.get(f"permissions/documents/{number_of('handbook')}/readers").value
    people = [cast(JsonDict, row["person"])["email"] for row in cast(list[JsonDict], readers["people"])]
    assert people == ["ann@example.com", "bob@example.com", "cho@example.com"]
    source: dict[str, str | int | list[str]] = {"source": small_world.source_id}
    seen = get(ada, "permissions/people/cho@example.com/documents", source).value
    found = [row["external_id"] for row in cast(list[JsonDict], seen["documents"])]
    assert found == ["handbook", "merger", "open", "policy-ko"]
    assert (seen["readable"], seen["total"]) == (4, 6)
    shares = ada.get("permissions/people/cho@example.com/sources").value["sources"]
    assert shares == [{"source_id": small_world.source_id, "source": "world", "readable": 4, "total": 6}]
    second = get(ada, "permissions/people/cho@example.com/documents", {**source, "page": 2}).value
    assert second["documents"] == []


def test_it_says_who_loses_by_a_run(ada: Caller, small_world: SmallWorld) -> None:
    small_world.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
    run = small_world.sync("permissions")
    told = ada.get(f"permissions/runs/{run.id}/changes").value
    change = cast(list[JsonDict], told["documents"])[0]
    lost = [person["email"] for person in cast(list[JsonDict], change["lost"])]
    assert (lost, change["gained_total"]) == (["ann@example.com", "cho@example.com"], 0)


def test_ages_are_told_with_their_moments_in_utc(ada: Caller) -> None:
    Connection.objects.update(permissions_confirmed_at=timezone.now() - timedelta(days=8))
    Document.objects.update(acl_confirmed_at=timezone.now() - timedelta(days=9))
    seen = ada.get("permissions/explain", person="ann@example.com", document=number_of("handbook")).value
    assert seen["reason"] == "permissions_too_old"
    assert str(seen["at"]).endswith("Z")
    facts = cast(list[JsonDict], seen["facts"])
    age = next(fact["age_s"] for fact in facts if fact["subject"] == "access_list")
    assert isinstance(age, float)
    assert round(age / 86_400) == 8


def test_each_inspection_is_audited_with_its_owner(ada: Caller, small_world: SmallWorld) -> None:
    before = set(AuditEvent.objects.values_list("pk", flat=True))
    ada.get("permissions/explain", person="bob@example.com", document=number_of("merger"))
    event = AuditEvent.objects.exclude(pk__in=before).get()
    assert (event.event, event.actor) == ("permissions_inspected", "ada@example.com")


@pytest.mark.parametrize(
    "path",
    [
        "permissions/explain?person=nobody@example.com&document={document}",
        "permissions/explain?person=bob@example.com&document=987654",
        "permissions/documents/987654/readers",
        "permissions/people/nobody@example.com/sources",
        "permissions/people/nobody@example.com/documents?source={source}",
        "permissions/people/bob@example.com/documents?source=987654",
        "permissions/runs/987654/changes",
    ],
)
def test_what_is_not_there_is_not_found(ada: Caller, small_world: SmallWorld, path: str) -> None:
    answer = ada.get(path.format(document=number_of("open"), source=small_world.source_id))
    assert (answer.status, answer.error) == (404, "not_found")
    assert answer.body == ada.get("nothing").body


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("permissions/explain", "'person' is missing"),
        ("permissions/explain?person=bob@example.com", "'document' must be a whole number"),
        ("permissions/explain?person=bob@example.com&document=handbook", "must be a whole number"),
        ("permissions/explain?person=bob&document=1", "'bob' is not an e-mail address"),
        ("permissions/explain?person=%00@b&document=1", "is not an e-mail address"),
        ("permissions/people/bob/sources", "'bob' is not an e-mail address"),
        ("permissions/people/" + "b" * 300 + "@example.com/sources", "is not an e-mail address"),
        ("permissions/people/bob@example.com/documents", "'source' must be a whole number"),
        ("permissions/documents?text=a&source=x", "'source' must be a whole number"),
        ("permissions/documents/1/readers?page=0", "'page' must be a whole number from 1 to"),
        ("permissions/runs/1/changes?page=-1", "'page' must be a whole number"),
        ("permissions/people?text=", "'text' is missing"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(people: dict[str, User], path: str, says: str) -> None:
    answer = caller_of(people["ada"]).get(path)
    assert (answer.status, answer.error) == (400, "bad_request")
    assert says in answer.message


@pytest.mark.parametrize("text", ["\x00", "%", "_", "'", "\\", "9" * 30, "x" * 5_000])
def test_a_strange_text_finds_nothing_or_something_and_never_fails(ada: Caller, text: str) -> None:
    for path, name in (("permissions/documents", "documents"), ("permissions/people", "people")):
        answer = get(ada, path, {"text": text})
        assert answer.status == 200
        found: Json = answer.value[name]
        assert isinstance(found, list)
