"""Keys of provisioning: who may call SCIM, and what such a key opens besides, which is nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils import timezone

from assistant.accounts import throttle
from assistant.accounts.api_keys import issue_key
from assistant.accounts.models import User
from assistant.accounts.throttle_rules import Leaking
from assistant.audit.models import AuditEvent
from assistant.common.errors import NotFound, UsageError
from assistant.identity.scim.keys import issue_provisioning_key, revoke_provisioning_key
from assistant.identity.scim.models import ProvisioningKey
from tests.api.calling import Caller
from tests.scim.world import Program, program_of, provider

PATHS = ("Users", "Groups/x", "nothing/at/all")


@pytest.mark.django_db
def test_a_key_opens_scim_until_it_is_revoked_or_over(people: dict[str, User]) -> None:
    row = provider()
    program = program_of(row)
    assert program.get("Users").status == 200
    key = ProvisioningKey.objects.get()
    assert key.used_at is not None
    assert program.key is not None
    assert program.key not in json.dumps(list(ProvisioningKey.objects.values()), default=str)
    ProvisioningKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert program.get("Users").error == (401, "")
    other = program_of(row)
    revoke_provisioning_key(key_id=ProvisioningKey.objects.latest("pk").pk, actor="test")
    assert other.get("Users").error == (401, "")
    with pytest.raises(NotFound):
        revoke_provisioning_key(key_id=ProvisioningKey.objects.latest("pk").pk, actor="test")


@pytest.mark.django_db
def test_without_a_key_every_address_says_the_same_whatever_is_sent(people: dict[str, User]) -> None:
    foreign = issue_key(user_id=people["ada"].pk, name="script", days=30, actor="test").text
    told = {
        Program(key).send(method, path, {"userName": "x"}).body
        for key in (None, "mundap_scim_" + "x" * 43, foreign, "' OR 1=1 --")
        for path in PATHS
        for method in ("GET", "PATCH", "DELETE")
    }
    assert len(told) == 1
    client = Client()
    client.force_login(people["ada"])
    assert client.get("/scim/v2/Users").status_code == 401  # a cookie proves nothing


@pytest.mark.django_db
def test_a_provisioning_key_reads_no_document_and_signs_nobody_in() -> None:
    key = program_of(provider()).key
    assert Caller(f"Bearer {key}").get("search", q="heron").status == 401
    assert Client().get("/", headers={"Authorization": f"Bearer {key}"}).status_code == 302


@pytest.mark.django_db
def test_guesses_at_keys_and_haste_are_held_back() -> None:
    program = program_of(provider())
    slow = {**throttle.RULES, throttle.Kind.KEYS: Leaking(capacity=3, each_s=60)}
    with patch.object(throttle, "RULES", slow):
        assert [Program("mundap_scim_wrong").get("Users").status for _ in range(5)] == [
            401,
            401,
            401,
            429,
            429,
        ]
        assert program.get("Users").status == 200  # who has a key never waits for who guesses
    hasty = {**throttle.RULES, throttle.Kind.PROVISIONING: Leaking(capacity=2, each_s=60)}
    with patch.object(throttle, "RULES", hasty):
        assert [program.get("Users").status for _ in range(3)][-1] == 429
        assert program_of(provider("entra", "b.example")).get("Users").status == 200


@pytest.mark.django_db
def test_keys_are_named_bounded_and_need_a_domain() -> None:
    row = provider()
    wrong: tuple[Mapping[str, object], ...] = ({"name": " "}, {"days": 0}, {"days": 366}, {"name": "x" * 81})
    for one in wrong:
        given = {"name": "sync", "days": 30, **one}
        with pytest.raises(UsageError):
            issue_provisioning_key(provider_id=row.pk, actor="test", **given)  # type: ignore[arg-type]
    row.domains = []
    row.save()
    with pytest.raises(UsageError):
        issue_provisioning_key(provider_id=row.pk, name="sync", days=30, actor="test")
    assert not ProvisioningKey.objects.exists()


@pytest.mark.django_db
def test_what_goes_wrong_is_said_in_scim_and_logged_without_anybody_s_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    program = program_of(provider())
    for body, content_type, status in (
        (b"{", "application/scim+json", 400),
        (b"[]", "application/json", 400),
        (b'{"userName": "a", "userName": "b"}', "application/json", 400),
        (b'{"userName": "\\u0000@example.com"}', "application/json", 400),
        (b'{"name": ' * 50 + b"1" + b"}" * 50, "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"userName=x", "application/x-www-form-urlencoded", 415),
        (b" " * (8 * 1024 * 1024 + 1), "application/json", 413),
    ):
        said = program.send("POST", "Users", body=body, content_type=content_type)
        assert said.error[0] == status, body[:40]
    assert program.send("PATCH", "Users", {}).error == (405, "")
    assert program.send("POST", "Bulk", {}).error == (404, "")
    assert program.get("Users", filter="userName eq").error == (400, "invalidFilter")
    assert program.get("Users", attributes="a", excludedAttributes="b").error == (400, "invalidValue")
    with (
        patch("assistant.api.scim.people.provision_person", side_effect=RuntimeError("kim@example.com")),
        caplog.at_level(logging.DEBUG),
    ):
        assert program.add_person("kim@example.com").error == (500, "")
    assert "kim@example.com" not in caplog.text
    assert AuditEvent.objects.filter(event="provisioning_key_issued", via="").exists()
