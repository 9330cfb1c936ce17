"""The file of a person's own data tells nothing of others, and nothing that they may not read any more."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from assistant.accounts.api_keys import issue_key
from assistant.accounts.models import Connection, User
from assistant.accounts.people import close_account, link_account
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event
from assistant.chat.models import Share
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.chat.sharing import share_conversation
from assistant.common.errors import NotFound, UsageError
from assistant.privacy.giving_out import give_out
from assistant.slackbot.models import JoinedPerson, Workspace
from tests.chat.files import OFFER, added
from tests.conftest import PASSWORD, SmallWorld

QUESTION = "How many days a week is remote work allowed?"
SECRET = "three days"


def everything_in(user: User) -> dict[str, str]:
    """The files of the person's data by name."""
    raw = io.BytesIO(b"".join(give_out(user_id=user.pk, actor=user.email).pieces))
    with zipfile.ZipFile(raw) as file:
        assert file.testzip() is None
        return {name: file.read(name).decode() for name in file.namelist()}


def asked(world: SmallWorld, name: str, question: str = QUESTION) -> int:
    turn = start_turn(viewer=world.viewer(name), question=question, conversation_id=None)
    assert run_turn(turn.pk)
    return turn.conversation_id


@pytest.mark.django_db
def test_what_the_person_may_not_read_any_more_is_not_in_it(
    small_world: SmallWorld, people: dict[str, User]
) -> None:
    asked(small_world, "ann")
    assert SECRET in "".join(everything_in(people["ann"]).values())
    small_world.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
    small_world.write()
    assert small_world.sync().state == "succeeded"
    told = "".join(everything_in(people["ann"]).values())
    assert SECRET not in told
    assert "Employee handbook" not in told
    assert QUESTION in told  # which is the person's own


@pytest.mark.django_db
def test_nothing_of_anybody_else_is_in_it(small_world: SmallWorld, people: dict[str, User]) -> None:
    asked(small_world, "bob", "What is the salary band of a senior engineer?")
    added(small_world.viewer("bob"), "bobs-offer.md", OFFER)
    asked(small_world, "ann")
    told = json.dumps(everything_in(people["ann"]))
    for theirs in ("bob@example.com", "salary", "bobs-offer", "Zanthoxylum"):
        assert theirs not in told


@pytest.mark.django_db
def test_a_source_is_named_only_to_who_may_read_something_in_it(
    small_world: SmallWorld, people: dict[str, User]
) -> None:
    """Somebody linked an account of it to them, which opens nothing."""
    hidden = Connection.objects.create(name="zanthoxylum-hidden", kind="jsonl")
    for source in (hidden.pk, small_world.source_id):
        link_account(connection_id=source, account_id="u-17", user_id=people["ann"].pk, actor="command line")
    account = json.loads(everything_in(people["ann"])["account.json"])
    readable = Connection.objects.get(pk=small_world.source_id).name
    assert sorted(row["source"] for row in account["source_accounts"]) == ["", readable]
    assert {row["account"] for row in account["source_accounts"]} == {"u-17"}


@pytest.mark.django_db
def test_all_of_their_own_is_in_it_and_nothing_that_opens_anything(
    small_world: SmallWorld, people: dict[str, User]
) -> None:
    ann = people["ann"]
    conversation = asked(small_world, "ann")
    share_conversation(viewer=small_world.viewer("ann"), conversation_id=conversation)
    share = Share.objects.get(conversation=conversation)
    added(small_world.viewer("ann"), "offer.md", OFFER)
    key = issue_key(user_id=ann.pk, name="laptop", days=3, actor=ann.email)
    browser = Client()
    browser.force_login(ann)
    files = everything_in(ann)
    account = json.loads(files["account.json"])
    assert account["email"] == "ann@example.com"
    assert [one["name"] for one in account["api_keys"]] == ["laptop"]
    assert len(account["sessions"]) == 1
    assert f"conversations/{conversation}.json" in files
    assert any(name.endswith("offer.md.txt") and "Zanthoxylum" in text for name, text in files.items())
    assert any(row["event"] == "conversation_shared" for row in json.loads(files["activity.json"]))
    told = "".join(files.values())
    session = browser.cookies["sessionid"].value
    secrets = (key.text, session, ann.password, share.token, *ann.api_keys.values_list("digest", flat=True))
    assert not [secret for secret in secrets if secret in told]


@pytest.mark.django_db
def test_people_save_their_own_and_nobody_else_s(people: dict[str, User]) -> None:
    page = reverse("web:own-data")
    assert Client().post(page).status_code == 302
    browser = Client()
    browser.force_login(people["ann"])
    assert browser.get(page).status_code == 405
    assert page in browser.get(reverse("web:sessions")).content.decode()
    response = browser.post(page, {"user_id": people["bob"].pk})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as file:  # type: ignore[attr-defined]
        assert json.loads(file.read("account.json"))["email"] == "ann@example.com"
    entry = AuditEvent.objects.get(event=Event.PERSON_EXPORTED)
    assert (entry.actor, entry.data["user"]) == ("ann@example.com", "ann@example.com")


@pytest.mark.django_db
def test_of_a_closed_account_no_document_s_words_are_given_out(
    small_world: SmallWorld, people: dict[str, User]
) -> None:
    asked(small_world, "ann")
    close_account(user_id=people["ann"].pk, actor="ada@example.com")
    assert SECRET not in "".join(everything_in(people["ann"]).values())


@pytest.mark.django_db
def test_the_command_writes_a_new_file_that_only_its_owner_reads(
    people: dict[str, User], tmp_path: Path
) -> None:
    out = tmp_path / "ann.zip"
    call_command("person", "export", "ann@example.com", "--out", str(out))
    assert out.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="cannot be written"):
        call_command("person", "export", "ann@example.com", "--out", str(out))
    with pytest.raises(NotFound):
        give_out(user_id=10**9, actor=PASSWORD)


@pytest.mark.django_db
def test_an_account_that_is_closed_meanwhile_gets_no_whole_file(
    small_world: SmallWorld, people: dict[str, User]
) -> None:
    asked(small_world, "ann")
    given = give_out(user_id=people["ann"].pk, actor="ann@example.com")
    begun = [next(given.pieces), next(given.pieces)]
    assert AuditEvent.objects.get(event=Event.PERSON_EXPORTED).data["conversations"] == 1
    close_account(user_id=people["ann"].pk, actor="ada@example.com")
    with pytest.raises(NotFound):
        begun.extend(given.pieces)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(begun)))


@pytest.mark.django_db
def test_it_says_who_the_person_is_in_slack_and_nobody_else(people: dict[str, User]) -> None:
    hall = Workspace.objects.create(handle="hall", team_id="T1", bot_user_id="U1", name="Hall")
    for number, name in enumerate(("ann", "bob")):
        JoinedPerson.objects.create(
            workspace=hall, slack_user=f"UHALL{number}", user=people[name], by_link=True
        )
    told = everything_in(people["ann"])
    [slack] = json.loads(told["account.json"])["slack"]
    assert (slack["workspace"], slack["slack_user"], slack["until"]) == ("Hall", "UHALL0", None)
    assert "UHALL1" not in "".join(told.values())
