"""The page of provisioning: for who manages sign-in, with a key that is shown in one answer alone."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from assistant.accounts.models import Role, User
from assistant.identity.scim.models import ProvisioningKey
from tests.scim.world import Program, provider

PAGE = "/console/provisioning/"


@pytest.fixture
def ada(people: dict[str, User]) -> Client:
    """The administrator's browser."""
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(people["ada"])
    session = client.session
    session["proven"] = timezone.now().isoformat()
    session.save()
    return client


def test_a_key_is_shown_once_works_and_ends_by_a_click(ada: Client) -> None:
    row = provider()
    assert "Okta" in ada.get(PAGE).content.decode()
    made = ada.post(f"{PAGE}{row.pk}/keys/add/", {"name": "Okta sync", "days": "90"})
    found = re.search(r"mundap_scim_[\w-]{43}", made.content.decode())
    assert found is not None
    assert made.headers["Cache-Control"] == "no-store"
    program = Program(found[0])
    assert program.get("Users").status == 200
    again = ada.get(PAGE).content.decode()
    assert "Okta sync" in again
    assert "mundap_scim_" not in again
    key = ProvisioningKey.objects.get()
    assert ada.post(f"{PAGE}keys/{key.pk}/revoke/").status_code == 302
    assert program.get("Users").error == (401, "")
    assert "Okta sync" not in ada.get(PAGE).content.decode()


def test_a_wish_that_is_wrong_says_why_and_keeps_what_was_typed(ada: Client) -> None:
    row = provider()
    for fields in ({"name": "", "days": "90"}, {"name": "kept", "days": "4000"}, {"name": "kept"}):
        answer = ada.post(f"{PAGE}{row.pk}/keys/add/", fields)
        assert answer.status_code == 422
        assert f'value="{fields["name"]}"' in answer.content.decode()
    assert ada.post(f"{PAGE}{row.pk + 1}/keys/add/", {"name": "x", "days": "90"}).status_code == 404
    assert not ProvisioningKey.objects.exists()


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.CONTENT_ADMINISTRATOR, Role.AUDITOR])
def test_for_others_there_is_no_such_page(client: Client, people: dict[str, User], role: Role) -> None:
    row = provider()
    client.force_login(User.objects.create_user("other@example.com", role=role))
    assert client.get(PAGE).status_code == 404
    assert client.post(f"{PAGE}{row.pk}/keys/add/", {"name": "x", "days": "90"}).status_code == 404
    assert not ProvisioningKey.objects.exists()


def test_issuing_and_revoking_ask_who_signed_in_long_ago(ada: Client) -> None:
    session = ada.session
    session["proven"] = "2001-01-01T00:00:00+00:00"
    session.save()
    row = provider()
    for path in (f"{PAGE}{row.pk}/keys/add/", f"{PAGE}keys/1/revoke/"):
        assert ada.post(path, {"name": "x", "days": "90"}).status_code == 403
    assert not ProvisioningKey.objects.exists()
