"""People over SCIM: whom a client may make, change and end, and what it never learns."""

from __future__ import annotations

import pytest

from assistant.accounts.models import Role, User
from assistant.accounts.people import add_alias, close_account, reopen_account
from assistant.audit.models import AuditEvent
from assistant.identity.arriving import admit, judge
from assistant.identity.claims import Claims
from assistant.identity.models import IdentityProvider
from assistant.identity.refusals import Refusal
from tests.scim.world import SEARCH, USER, JsonDict, Program, account, program_of, provider


@pytest.fixture
def okta(db: None) -> IdentityProvider:
    """The provider."""
    return provider()


@pytest.fixture
def program(okta: IdentityProvider) -> Program:
    """Its program."""
    return program_of(okta)


def test_a_person_is_made_shown_and_found(program: Program) -> None:
    made = program.add_person(
        "kim@example.com", externalId="00u1", name={"familyName": "김", "givenName": "민준"}
    )
    assert made.status == 201
    assert made.headers["Location"] == made.value["meta"]["location"]  # type: ignore[index, call-overload]
    assert made.value["active"] is True
    assert account("kim@example.com").name == "김민준"
    shown = program.get(f"Users/{made.id}")
    assert shown.value == made.value
    assert shown.headers["ETag"] == made.headers["ETag"]
    for text in (
        'userName eq "KIM@example.com"',
        'externalId eq "00u1"',
        f'id eq "{made.id}"',
        'emails[type eq "work" and value co "kim"]',
        'name.familyName sw "김" and active eq true',
        'not (userName eq "x") and meta.created gt "2001-01-01T00:00:00Z"',
    ):
        listed = program.get("Users", filter=text)
        assert [one["id"] for one in listed.found] == [made.id], text
        assert listed.value["totalResults"] == 1
    assert program.get("Users", filter='externalId eq "00U1"').found == []
    search: JsonDict = {
        "schemas": [SEARCH],
        "filter": 'externalId eq "00u1"',
        "attributes": ["userName"],
        "count": 5,
    }
    assert program.post("Users/.search", search).found[0]["userName"] == "kim@example.com"
    assert program.post("Users/.search", {"filter": "x"}).error == (400, "invalidSyntax")
    only = program.get("Users", filter='externalId eq "00u1"', attributes="userName,emails.value").found[0]
    assert set(only) == {"schemas", "id", "userName", "emails"}
    assert only["emails"] == [{"value": "kim@example.com"}]


def test_the_next_request_of_a_deactivated_person_is_refused_and_reactivation_works(program: Program) -> None:
    made = program.add_person("kim@example.com")
    deactivated = program.patch(f"Users/{made.id}", {"op": "Replace", "path": "active", "value": "False"})
    assert (deactivated.status, deactivated.value["active"]) == (200, False)
    assert not account("kim@example.com").is_active
    assert (
        program.patch(f"Users/{made.id}", {"op": "replace", "value": {"active": True}}).value["active"]
        is True
    )
    assert account("kim@example.com").is_active
    assert program.delete(f"Users/{made.id}").status == 204
    assert not account("kim@example.com").is_active
    assert program.get(f"Users/{made.id}").error == (404, "")
    assert program.delete(f"Users/{made.id}").error == (404, "")
    # Whether the next one of that address is the same person nobody knows: an administrator decides.
    assert program.add_person("kim@example.com").error == (409, "uniqueness")


def test_an_account_that_an_administrator_closed_is_not_opened_from_outside(program: Program) -> None:
    made = program.add_person("kim@example.com")
    close_account(user_id=account("kim@example.com").pk, actor="test")
    body: JsonDict = {"schemas": [USER], "userName": "kim@example.com", "active": True}
    assert program.put(f"Users/{made.id}", body).value["active"] is False
    program.patch(f"Users/{made.id}", {"op": "replace", "path": "active", "value": True})
    assert not account("kim@example.com").is_active
    reopen_account(user_id=account("kim@example.com").pk, actor="test")
    assert (
        program.patch(f"Users/{made.id}", {"op": "replace", "path": "active", "value": False}).status == 200
    )
    assert not account("kim@example.com").is_active


def test_an_account_that_an_administrator_opened_is_closed_only_where_the_client_says_so(
    program: Program,
) -> None:
    made = program.add_person("kim@example.com", active=False)
    reopen_account(user_id=account("kim@example.com").pk, actor="test")
    program.patch(f"Users/{made.id}", {"op": "replace", "path": "displayName", "value": "Kim"})
    assert account("kim@example.com").is_active
    assert account("kim@example.com").name == "Kim"


def test_no_account_is_taken_over(program: Program, people: dict[str, User]) -> None:
    add_alias(user_id=people["bob"].pk, address="b2@example.com", actor="test")
    close_account(user_id=people["cho"].pk, actor="test")
    User.objects.create_user("aud@example.com", role=Role.AUDITOR)
    told = {program.add_person(f"{name}@example.com").value["detail"] for name in ("b2", "cho", "ada", "aud")}
    assert len(told) == 1  # no reason tells the client what accounts there are
    assert program.add_person("new@elsewhere.org").error == (400, "invalidValue")
    assert program.add_person("x@elsewhere.org").value == program.add_person("x@elsewhere.org").value
    assert program.add_person("no address").error == (400, "invalidValue")
    reasons = AuditEvent.objects.filter(event="provisioning_refused").values_list("data__reason", flat=True)
    assert set(reasons) == {"alias", "closed_account", "manages", "other_domain"}
    assert program.get("Users").value["totalResults"] == 0
    for user in people.values():
        assert program.get("Users", filter=f'userName eq "{user.email}"').found == []


def test_an_employee_s_account_is_joined_and_managed(program: Program, people: dict[str, User]) -> None:
    made = program.add_person("ann@example.com")
    assert made.status == 201
    program.patch(f"Users/{made.id}", {"op": "replace", "path": "active", "value": False})
    assert not account("ann@example.com").is_active


def test_a_client_sees_and_changes_only_what_it_manages(program: Program) -> None:
    other = program_of(provider("entra", "other.example"))
    made = program.add_person("kim@example.com")
    group = program.add_group("staff", made.id)
    for path in (f"Users/{made.id}", f"Groups/{group.id}"):
        nothing = other.get(path.replace(path[-1], "0"))
        assert other.get(path).body == nothing.body
        assert other.delete(path).error == (404, "")
        assert other.patch(path, {"op": "replace", "path": "displayName", "value": "x"}).error == (404, "")
    assert other.get("Users").found == other.get("Groups").found == []
    assert other.add_group("mine", made.id).error == (400, "invalidValue")
    assert account("kim@example.com").is_active


def test_the_last_who_manages_people_is_never_closed(program: Program) -> None:
    made = program.add_person("kim@example.com")
    User.objects.filter(email="kim@example.com").update(role=Role.ADMINISTRATOR)
    for refused in (
        program.patch(f"Users/{made.id}", {"op": "replace", "path": "active", "value": False}),
        program.delete(f"Users/{made.id}"),
    ):
        assert refused.error == (409, "")
    assert account("kim@example.com").is_active
    assert program.get(f"Users/{made.id}").status == 200


def test_another_address_never_becomes_the_account_s_and_a_recycled_one_inherits_nothing(
    okta: IdentityProvider, program: Program, people: dict[str, User]
) -> None:
    made = program.add_person("kim@example.com")
    renamed: JsonDict = {
        "op": "replace",
        "path": 'emails[type eq "work"].value',
        "value": "kim.new@example.com",
    }
    assert program.patch(f"Users/{made.id}", renamed).status == 200
    assert account("kim@example.com").addresses.count() == 1
    # The colleague who got the former address, by either way.
    assert judge(okta, Claims("s2", "kim@example.com")).refusal is Refusal.ANOTHER_SUBJECT
    assert program.add_person("kim@example.com").error == (409, "uniqueness")
    # The person under the new one.
    user, _ = admit(okta, Claims("s1", "kim.new@example.com"))
    assert user.email == "kim@example.com"
    # Nobody is given a colleague's address.
    for address, kind in (("ann@example.com", "uniqueness"), ("x@elsewhere.org", "invalidValue")):
        change: JsonDict = {"op": "replace", "path": "emails", "value": [{"value": address}]}
        assert program.patch(f"Users/{made.id}", change).error[1] == kind


def test_who_is_provisioned_signs_in_to_that_account_though_nobody_else_is_joined(program: Program) -> None:
    IdentityProvider.objects.update(joins_accounts=False, makes_accounts=False)
    okta = IdentityProvider.objects.get()
    assert program.add_person("kim@example.com").status == 201
    user, _ = admit(okta, Claims("s1", "kim@example.com"))
    assert user.email == "kim@example.com"
    assert judge(okta, Claims("s2", "kim@example.com")).refusal is Refusal.ANOTHER_SUBJECT
    assert judge(okta, Claims("s3", "new@example.com")).refusal is Refusal.NO_MAKING


def test_what_changed_meanwhile_is_not_overwritten(program: Program) -> None:
    made = program.add_person("kim@example.com")
    tag = made.headers["ETag"]
    assert program.send("GET", f"Users/{made.id}", headers={"If-None-Match": tag}).status == 304
    program.patch(f"Users/{made.id}", {"op": "add", "path": "displayName", "value": "Kim"})
    for method, value in (("PUT", {"userName": "kim@example.com"}), ("DELETE", None)):
        refused = program.send(method, f"Users/{made.id}", value, headers={"If-Match": tag})
        assert refused.error == (412, "")
    assert program.send("GET", f"Users/{made.id}", headers={"If-None-Match": tag}).status == 200


def test_pages_and_names_are_kept_apart(program: Program) -> None:
    ids = [program.add_person(f"p{n}@example.com").id for n in range(5)]
    page = program.get("Users", startIndex="2", count="2")
    assert [one["id"] for one in page.found] == ids[1:3]
    assert (page.value["totalResults"], page.value["startIndex"], page.value["itemsPerPage"]) == (5, 2, 2)
    assert program.get("Users", count="0").found == []
    assert program.get("Users", count="-3", startIndex="-1").value["totalResults"] == 5
    assert program.get("Users", count="x").error == (400, "invalidValue")
    assert program.add_person("P1@Example.com").error == (409, "uniqueness")
