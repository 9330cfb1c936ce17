"""What a run changed is told by who gains and who loses, with the doubts in plain sentences."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from assistant.accounts.models import Role, User
from assistant.sync.models import FindingCode, RunFinding, SyncRun
from tests.conftest import PASSWORD, SmallWorld


@pytest.fixture
def sec(client: Client, people: dict[str, User]) -> Client:
    """The browser of a security administrator."""
    user = User.objects.create_user("sec@example.com", PASSWORD, role=Role.SECURITY_ADMINISTRATOR)
    client.force_login(user)
    return client


def changes(client: Client, world: SmallWorld, **headers: str) -> str:
    """The page of the latest run."""
    run = SyncRun.objects.latest("pk")
    response = client.get(reverse("console:changes", args=[world.source_id, run.pk]), headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def part(text: str, name: str) -> str:
    """One section of the page."""
    return text[text.index(f'id="{name}"') :].split("</section>", maxsplit=1)[0]


def test_who_gains_and_who_loses_a_document(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    small_world.documents["salaries"]["acl"] = {"allow": ["user:sam@example.com"]}
    small_world.sync()
    row = part(changes(sec, small_world), "documents")
    gained, lost = row.split('data-sign="minus"')
    assert "Sam" in gained
    assert "Bob" in lost
    assert "Sam" not in lost
    assert "salaries" in row
    assert "Salary bands 2026" not in row


def test_memberships_name_member_group_and_people(
    sec: Client, people: dict[str, User], small_world: SmallWorld
) -> None:
    small_world.groups["hr"]["members"] = ["group:executives"]
    small_world.sync()
    section = part(changes(sec, small_world), "memberships")
    assert "Joined" in section
    assert "Left" in section
    assert "executives" in section
    assert "Cho" in section


def test_a_run_without_changes_says_so(sec: Client, small_world: SmallWorld) -> None:
    small_world.sync()
    text = changes(sec, small_world)
    assert "No document that was known before got another access list." in text
    assert "Nobody joined a group or left one." in text


def test_every_finding_has_its_sentence(sec: Client, small_world: SmallWorld) -> None:
    run = SyncRun.objects.latest("pk")
    RunFinding.objects.filter(run=run).delete()
    for code in FindingCode:
        RunFinding.objects.create(run=run, code=code, subject="group:<i>ghost", documents=4)
    section = part(changes(sec, small_world), "findings")
    assert section.count('class="finding-note"') == len(FindingCode)
    assert "4 documents name the group <bdi>&lt;i&gt;ghost</bdi>, whose members are not known." in section
    assert "Nobody is let in by it, and rules that deny it apply to everybody." in section
    assert "<i>" not in section


def test_the_source_leads_to_its_changes_for_who_may_see_them(
    sec: Client, client: Client, small_world: SmallWorld
) -> None:
    run = SyncRun.objects.latest("pk")
    source = reverse("console:source", args=[small_world.source_id])
    address = reverse("console:changes", args=[small_world.source_id, run.pk])
    assert address in sec.get(source).content.decode()
    client.force_login(
        User.objects.create_user("content@example.com", PASSWORD, role=Role.CONTENT_ADMINISTRATOR)
    )
    assert address not in client.get(source).content.decode()
    assert client.get(address).status_code == 404
