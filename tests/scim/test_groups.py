"""Groups over SCIM: they give roles at once, through any nesting, and nothing is lost or left behind."""

from __future__ import annotations

import pytest

from assistant.accounts.models import Role, User
from assistant.identity.arriving import admit, judge
from assistant.identity.claims import Claims
from assistant.identity.models import IdentityProvider
from tests.scim.world import Program, account, program_of, provider

ROLES = [["wardens", Role.SECURITY_ADMINISTRATOR], ["writers", Role.CONTENT_ADMINISTRATOR]]


@pytest.fixture
def okta(db: None) -> IdentityProvider:
    """The provider, whose groups give roles."""
    User.objects.create_user("root@elsewhere.org", role=Role.ADMINISTRATOR)
    return provider(group_roles=ROLES)


@pytest.fixture
def program(okta: IdentityProvider) -> Program:
    """Its program."""
    return program_of(okta)


def role(email: str = "kim@example.com") -> str:
    """The role of somebody now."""
    return account(email).role


def test_a_role_comes_and_goes_with_membership(program: Program) -> None:
    kim = program.add_person("kim@example.com").id
    group = program.add_group("writers").id
    assert role() == Role.EMPLOYEE
    assert (
        program.patch(f"Groups/{group}", {"op": "Add", "path": "members", "value": [{"value": kim}]}).status
        == 204
    )
    assert role() == Role.CONTENT_ADMINISTRATOR
    program.patch(f"Groups/{group}", {"op": "Remove", "path": f'members[value eq "{kim}"]'})
    assert role() == Role.EMPLOYEE
    # Microsoft Entra ID's way to say the same.
    program.patch(f"Groups/{group}", {"op": "Add", "path": "members", "value": [{"value": kim}]})
    program.patch(f"Groups/{group}", {"op": "Remove", "path": "members", "value": [{"value": kim}]})
    assert role() == Role.EMPLOYEE
    program.patch(f"Groups/{group}", {"op": "add", "value": {"members": [{"value": kim}]}})
    assert role() == Role.CONTENT_ADMINISTRATOR
    program.patch(f"Groups/{group}", {"op": "replace", "value": {"id": group, "displayName": "others"}})
    assert role() == Role.EMPLOYEE
    program.put(f"Groups/{group}", {"displayName": "writers"})
    assert role() == Role.CONTENT_ADMINISTRATOR
    program.put(f"Groups/{group}", {"displayName": "writers", "members": []})
    assert role() == Role.EMPLOYEE
    program.put(f"Groups/{group}", {"displayName": "writers", "members": [{"value": kim}]})
    assert role() == Role.CONTENT_ADMINISTRATOR
    program.delete(f"Groups/{group}")
    assert role() == Role.EMPLOYEE


def test_roles_reach_through_nesting_and_circles_end(okta: IdentityProvider, program: Program) -> None:
    kim = program.add_person("kim@example.com").id
    inner = program.add_group("team", kim).id
    middle = program.add_group("division", inner).id
    outer = program.add_group("wardens", middle).id
    assert role() == Role.SECURITY_ADMINISTRATOR
    program.patch(f"Groups/{inner}", {"op": "add", "path": "members", "value": [{"value": outer}]})
    assert role() == Role.SECURITY_ADMINISTRATOR
    shown = program.get(f"Groups/{inner}").value["members"]
    assert isinstance(shown, list)
    assert {(one["type"], one["value"]) for one in shown} == {("User", kim), ("Group", outer)}
    user, _ = admit(okta, Claims("s1", "kim@example.com", groups=("writers",)))
    assert user.role == Role.SECURITY_ADMINISTRATOR  # what was provisioned, not what the sign-in told
    program.patch(f"Groups/{middle}", {"op": "remove", "path": "members"})
    assert role() == Role.EMPLOYEE
    assert judge(okta, Claims("s1", "kim@example.com", groups=("wardens",))).role is None


def test_a_second_group_of_a_name_gives_nobody_a_role(program: Program) -> None:
    kim = program.add_person("kim@example.com").id
    program.add_group("wardens")
    for name in ("wardens", "WARDENS", " wardens "):
        assert program.add_group(name, kim).error == (409, "uniqueness")
    assert role() == Role.EMPLOYEE


def test_the_last_who_manages_people_is_never_demoted(program: Program) -> None:
    kim = program.add_person("kim@example.com").id
    group = program.add_group("wardens", kim).id
    User.objects.filter(email="root@elsewhere.org").update(role=Role.EMPLOYEE)
    for refused in (
        program.patch(f"Groups/{group}", {"op": "remove", "path": "members"}),
        program.put(f"Groups/{group}", {"displayName": "others"}),
        program.delete(f"Groups/{group}"),
    ):
        assert refused.error == (409, "")
    assert role() == Role.SECURITY_ADMINISTRATOR
    assert len(program.get(f"Groups/{group}").value["members"]) == 1  # type: ignore[arg-type]


def test_groups_are_found_by_name_id_and_member(program: Program) -> None:
    kim = program.add_person("kim@example.com").id
    group = program.add_group("writers", kim).id
    program.add_group("wardens")
    for text in (
        'displayName eq "Writers"',
        f'id eq "{group}" and members eq "{kim}"',
        f'members[value eq "{kim}"]',
        f'members.value eq "{kim}"',
        'displayName co "rite" and members pr',
    ):
        found = program.get("Groups", filter=text, excludedAttributes="members").found
        assert [one["id"] for one in found] == [group], text
        assert "members" not in found[0]


def test_the_client_s_own_id_gives_roles_as_well(program: Program, okta: IdentityProvider) -> None:
    okta.group_roles = [["0f8fad5b", Role.AUDITOR]]
    okta.save()
    kim = program.add_person("kim@example.com").id
    program.post("Groups", {"displayName": "감사", "externalId": "0f8fad5b", "members": [{"value": kim}]})
    assert role() == Role.AUDITOR
