"""A link lets one person in, once, to no more than its maker may give, and is told to nobody else."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth import SESSION_KEY
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistant.access.visibility import visible_documents
from assistant.accounts import invitations
from assistant.accounts import people as services
from assistant.accounts.invitation_models import Invitation
from assistant.accounts.models import Address, Connection, Role, User
from assistant.audit.models import AuditEvent
from assistant.common.errors import NotFound, UsageError
from assistant.factors import emergency
from assistant.factors.joining import Over, join
from tests.accounts.inviting import NEW_PASSWORD, join_at_once
from tests.conftest import PASSWORD, SmallWorld
from tests.factors.test_signing_in import give_app
from tests.security.second_process import REPOSITORY, database_url

PAGE, SET_UP, SECOND = "/invitation/", "/sign-in/set-up/", "/sign-in/second-step/"
TOKENS = r'(X-CSRFToken": |csrfmiddlewaretoken" value=|nonce=)"[\w-]+"'  # of one page each
FIELDS = {"name": "Nia", "password": NEW_PASSWORD, "again": NEW_PASSWORD}


@pytest.fixture
def client() -> Client:
    """An English browser of somebody who has no account."""
    return Client(headers={"Accept-Language": "en"})


@pytest.fixture
def sec(people: dict[str, User]) -> User:
    """Somebody who manages people and may not do everything."""
    return User.objects.create_user("sec@example.com", PASSWORD, role=Role.SECURITY_ADMINISTRATOR)


def browser_of(user: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def invited(inviter: User | None, email: str = "nia@example.com", **more: object) -> str:
    """The word of a new link."""
    return invitations.invite(email=email, inviter=inviter, **more).word  # type: ignore[arg-type]


def follow(client: Client, word: str) -> HttpResponse:
    """Open the link, to where it leads."""
    answer = client.get(f"{PAGE}{word}/")
    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
    return client.get(PAGE)  # type: ignore[return-value]


def accept(client: Client, word: str, **other: str) -> HttpResponse:
    """Open the link and send the form."""
    follow(client, word)
    return client.post(PAGE, {**FIELDS, **other})  # type: ignore[return-value]


def is_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def test_a_link_of_the_console_leads_to_an_account_and_in(client: Client, sec: User) -> None:
    page = browser_of(sec).post(
        "/console/people/invitations/", {"email": "Nia@Example.com", "role": "employee"}
    )
    text = page.content.decode()
    [link] = re.findall(r'value="http://testserver(/invitation/[\w-]{43}/)"', text)
    assert page.headers["Cache-Control"] == "no-store"
    assert link not in browser_of(sec).get("/console/people/invitations/").content.decode()
    word = link.split("/")[-2]
    assert "nia@example.com" in follow(client, word).content.decode()
    assert client.post(PAGE, FIELDS).headers["Location"] == "/"
    user = User.objects.get(email="nia@example.com")
    assert (user.name, user.role, client.session[SESSION_KEY]) == ("Nia", "employee", str(user.pk))
    assert user.check_password(NEW_PASSWORD)
    row = Invitation.objects.get()
    assert (row.user_id, row.made_by) == (user.pk, "sec@example.com")
    names = list(AuditEvent.objects.order_by("pk").values_list("event", flat=True))
    assert [name for name in names if "invitation" in name] == ["invitation_made", "invitation_used"]
    assert "user_added" in names
    assert "Used" in browser_of(sec).get("/console/people/invitations/").content.decode()


def test_a_role_with_rights_sets_its_second_factor_up_before_it_is_in(client: Client, sec: User) -> None:
    word = invited(sec, role=Role.AUDITOR)
    assert accept(client, word).headers["Location"] == SET_UP
    assert not is_in(client)
    assert client.get("/console/").status_code == 302


def test_looking_uses_nothing_up_and_a_link_counts_once(client: Client, sec: User) -> None:
    word = invited(sec)
    for method in ("get", "head", "options"):
        for path in (f"{PAGE}{word}/", PAGE):
            getattr(Client(), method)(path)
    for _ in range(3):
        assert follow(Client(), word).status_code == 200
    assert Invitation.objects.get().used_at is None
    assert accept(client, word).status_code == 302
    assert follow(Client(), word).status_code == 400
    assert accept(Client(), word, name="Eve").status_code == 400
    assert User.objects.filter(email="nia@example.com").count() == 1


def test_what_does_not_count_looks_alike_whatever_it_was(sec: User, people: dict[str, User]) -> None:
    used, revoked, expired = (invited(sec, f"{n}@example.com") for n in "abc")
    accept(Client(), used)
    rows = {row.email: row for row in Invitation.objects.all()}
    invitations.revoke(invitation_id=rows["b@example.com"].pk, actor="sec@example.com")
    Invitation.objects.filter(email="c@example.com").update(expires_at=timezone.now())
    replaced = invited(sec, "d@example.com")
    invited(sec, "d@example.com")
    taken_back = invitations.offer_password(user=people["ann"]).word
    services.close_account(user_id=people["ann"].pk, actor="test")
    seen = set()
    for word in (used, revoked, expired, replaced, taken_back, "x" * 43, "nothing"):
        client = Client(headers={"Accept-Language": "en"})
        for answer in (follow(client, word), accept(client, word)):
            seen.add((answer.status_code, re.sub(TOKENS, "", answer.content.decode())))
    assert {status for status, _ in seen} == {400}
    assert len(seen) == 1


def test_a_password_that_will_not_do_is_said_and_the_link_still_counts(client: Client, sec: User) -> None:
    word = invited(sec)
    assert "too short" in accept(client, word, password="short", again="short").content.decode()
    assert accept(client, word, again="another one altogether").status_code == 422
    similar = "nia@example.com"
    assert accept(client, word, password=similar, again=similar).status_code == 422
    assert not User.objects.filter(email="nia@example.com").exists()
    assert accept(client, word).status_code == 302


def test_an_address_that_got_an_account_meanwhile_keeps_it(client: Client, sec: User) -> None:
    word = invited(sec)
    other = User.objects.create_user("nia@example.com", PASSWORD)
    assert accept(client, word).status_code == 409
    other.refresh_from_db()
    assert other.check_password(PASSWORD)
    assert Invitation.objects.get().used_at is None
    assert not is_in(client)


def test_who_is_signed_in_keeps_their_session_and_the_link(client: Client, sec: User) -> None:
    word = invited(sec)
    signed_in = browser_of(sec)
    assert follow(signed_in, word).status_code == 400
    assert accept(signed_in, word).status_code == 400
    assert signed_in.session[SESSION_KEY] == str(sec.pk)
    assert accept(client, word).status_code == 302


# --- who may give what


def test_nobody_invites_to_more_than_they_may_themselves(sec: User, people: dict[str, User]) -> None:
    for role in (Role.ADMINISTRATOR, Role.CONTENT_ADMINISTRATOR, Role.ANALYST):
        with pytest.raises(invitations.MoreRights):
            invited(sec, role=role)
        page = browser_of(sec).post("/console/people/invitations/", {"email": "n@example.com", "role": role})
        assert page.status_code == 422
        assert f'value="{role}"' not in page.content.decode()
    for role in (Role.EMPLOYEE, Role.AUDITOR, Role.SECURITY_ADMINISTRATOR):
        invited(sec, role=role)
    invited(people["ada"], role=Role.ADMINISTRATOR)
    with pytest.raises(UsageError):
        invited(people["ada"], role="king")


def test_who_invited_somebody_gives_them_no_more_rights_afterwards(
    client: Client, sec: User, people: dict[str, User]
) -> None:
    accept(client, invited(sec))
    new = User.objects.get(email="nia@example.com")
    with pytest.raises(services.OwnInvitation):
        services.set_role(user_id=new.pk, role=Role.ADMINISTRATOR, actor=sec.email)
    services.set_role(user_id=new.pk, role=Role.AUDITOR, actor=sec.email)
    services.set_role(user_id=new.pk, role=Role.ADMINISTRATOR, actor=people["ada"].email)


def test_a_new_account_reads_nothing_by_its_address_until_other_eyes_saw_it(
    client: Client, small_world: SmallWorld, people: dict[str, User], sec: User
) -> None:
    services.close_account(user_id=people["bob"].pk, actor="test")
    small_world.documents["salaries"]["acl"] = {"allow": ["user:nia@example.com"]}
    small_world.sync()
    accept(client, invited(sec))
    new = User.objects.get(email="nia@example.com")

    def seen() -> set[str]:
        rows = visible_documents(small_world.viewer("nia"))
        return set(rows.values_list("external_id", flat=True))

    assert seen() == {"open"}
    source = Connection.objects.get(name="world").pk
    for change in (
        lambda: services.confirm_address(address="nia@example.com", actor=sec.email),
        lambda: services.add_alias(user_id=new.pk, address="ceo@example.com", actor=sec.email),
        lambda: services.link_account(connection_id=source, account_id="7", user_id=new.pk, actor=sec.email),
    ):
        with pytest.raises(services.OwnInvitation):
            change()
    page = browser_of(sec).post(
        reverse("console:person-address-confirm", args=[new.pk]), {"address": "nia@example.com"}
    )
    assert "You invited this person" in page.content.decode()
    assert seen() == {"open"}
    services.confirm_address(address="nia@example.com", actor="ada@example.com")
    assert seen() == {"open", "salaries"}


def test_an_invitation_counts_no_longer_than_its_maker_might_make_it(
    client: Client, people: dict[str, User], sec: User
) -> None:
    ada = people["ada"]
    closed = invited(ada, role=Role.ADMINISTRATOR)
    demoted = invited(sec, "mia@example.com", role=Role.SECURITY_ADMINISTRATOR)
    lesser = invited(ada, "leo@example.com")
    User.objects.create_user("boss@example.com", role=Role.ADMINISTRATOR)
    services.set_role(user_id=sec.pk, role=Role.EMPLOYEE, actor="boss@example.com")
    services.set_role(user_id=ada.pk, role=Role.SECURITY_ADMINISTRATOR, actor="boss@example.com")
    for word in (closed, demoted):
        assert "doesn’t count" in follow(Client(), word).content.decode()
        with pytest.raises(Over):
            join(word=word, name="X", password=NEW_PASSWORD)
    assert not Address.objects.filter(address__in=["nia@example.com", "mia@example.com"]).exists()
    assert accept(client, lesser).status_code == 302  # what she may still give
    services.close_account(user_id=ada.pk, actor="boss@example.com")
    assert "doesn’t count" in follow(Client(), closed).content.decode()


def test_what_the_server_invited_the_server_may_confirm(client: Client, sec: User) -> None:
    accept(client, invited(None))
    new = User.objects.get(email="nia@example.com")
    services.confirm_address(address="nia@example.com", actor="command line")
    services.set_role(user_id=new.pk, role=Role.AUDITOR, actor="command line")
    assert Address.objects.get(address="nia@example.com").confirmed


def test_an_inviter_is_known_by_the_account_and_not_by_an_address(
    client: Client, people: dict[str, User], sec: User
) -> None:
    accept(client, invited(sec))
    address = sec.email
    services.close_account(user_id=sec.pk, actor="ada@example.com")
    services.release_closed_account(user_id=sec.pk, actor="ada@example.com")
    User.objects.create_user(address, role=Role.SECURITY_ADMINISTRATOR)  # a new colleague gets it
    services.confirm_address(address="nia@example.com", actor=address)
    assert Address.objects.get(address="nia@example.com").confirmed


def test_who_follows_the_link_is_who_did_it(sec: User) -> None:
    word = invited(sec)
    accept(Client(REMOTE_ADDR="198.51.100.77"), word, name="Ni\x00a\n B")
    assert User.objects.get(email="nia@example.com").name == "Nia B"
    added = AuditEvent.objects.get(event="user_added", actor="nia@example.com")
    assert added.address == "198.51.100.77"
    assert not AuditEvent.objects.filter(actor=sec.email, address="198.51.100.77").exists()


def test_where_nobody_else_manages_people_the_inviter_confirms(
    client: Client, people: dict[str, User]
) -> None:
    accept(client, invited(people["ada"], role=Role.SECURITY_ADMINISTRATOR))  # no other eyes than its own
    emergency.make(actor="test")  # nor this
    services.confirm_address(address="nia@example.com", actor="ada@example.com")
    assert Address.objects.get(address="nia@example.com").confirmed


def test_only_the_server_says_that_an_address_is_theirs_and_of_a_recycled_one_not_even_that(
    sec: User, people: dict[str, User]
) -> None:
    accept(Client(), invited(None, verified=True))
    accept(Client(), invited(sec, "lee@example.com", verified=True))
    services.close_account(user_id=people["sam"].pk, actor="test")
    services.release_closed_account(user_id=people["sam"].pk, actor="test")
    accept(Client(), invited(None, "sam@example.com", verified=True))
    confirmed = dict(Address.objects.values_list("address", "confirmed"))
    assert confirmed["nia@example.com"]
    assert not confirmed["lee@example.com"]
    assert not confirmed["sam@example.com"]


@pytest.mark.parametrize(
    "email", ["ann@example.com", "ANN@example.com", "no address", "", "a@b", "x\x00@y.de"]
)
def test_an_address_that_is_taken_or_none_gets_no_link(sec: User, email: str) -> None:
    answer = browser_of(sec).post("/console/people/invitations/", {"email": email, "role": "employee"})
    assert answer.status_code == 422
    assert not Invitation.objects.exists()


def test_making_and_revoking_ask_again_and_are_for_who_manages_people(
    sec: User, people: dict[str, User]
) -> None:
    old = browser_of(sec)
    session = old.session
    session["proven"] = ""
    session.save()
    fields = {"email": "nia@example.com", "role": "employee"}
    assert old.post("/console/people/invitations/", fields).status_code == 403
    assert not Invitation.objects.exists()
    word = invited(sec)
    row = Invitation.objects.get()
    revoke = reverse("console:people-invitation-revoke", args=[row.pk])
    assert old.post(revoke).status_code == 403
    for name in ("ann", "sam"):
        assert browser_of(people[name]).post(revoke).status_code == 404
        assert browser_of(people[name]).get("/console/people/invitations/").status_code == 404
    assert browser_of(sec).post(revoke).status_code == 302
    assert browser_of(sec).post(revoke).status_code == 404
    assert follow(Client(), word).status_code == 400


def test_where_passwords_count_for_nobody_there_are_no_invitations(
    client: Client, sec: User, people: dict[str, User], settings: LazySettings
) -> None:
    word = invited(sec)
    settings.MUNDAP_LOCAL_SIGN_IN = "emergency"
    answer = accept(client, word)
    assert answer.status_code == 400
    assert "company’s sign-in" in answer.content.decode()
    with pytest.raises(invitations.NotNow):
        invited(sec, "lee@example.com")
    with pytest.raises(invitations.NotNow):
        invitations.offer_password(user=people["ann"])
    made = emergency.make(actor="test")
    page = browser_of(made.user).get("/console/people/invitations/").content.decode()
    assert "MUNDAP_LOCAL_SIGN_IN=emergency" in page
    assert 'name="email"' not in page
    assert browser_of(made.user).post("/console/people/invitations/", {"email": "a@b.de"}).status_code == 422


# --- a new password


def test_a_link_to_a_new_password_ends_the_old_one_and_every_session_and_asks_for_the_second_factor(
    client: Client, people: dict[str, User]
) -> None:
    ann = people["ann"]
    give_app(ann)
    there = browser_of(ann)
    word = invitations.offer_password(user=ann).word
    assert there.get("/").status_code == 200
    assert accept(client, word, name="Mallory").headers["Location"] == SECOND
    assert not is_in(client)
    assert there.get("/").status_code == 302
    ann.refresh_from_db()
    assert ann.name == "Ann"
    assert (ann.check_password(NEW_PASSWORD), ann.check_password(PASSWORD)) == (True, False)
    assert accept(Client(), word).status_code == 400


def test_no_page_makes_or_lists_a_link_to_a_password(sec: User, people: dict[str, User]) -> None:
    made = invitations.offer_password(user=people["ann"])
    assert "ann@example.com" not in browser_of(sec).get("/console/people/invitations/").content.decode()
    with pytest.raises(NotFound):
        invitations.revoke(invitation_id=made.id, actor=sec.email)
    account = emergency.make(actor="test").user
    with pytest.raises(services.EmergencyAccount):
        invitations.offer_password(user=account)
    program = User.objects.create_user("feed@service.invalid", kind="service", contact="IT")
    with pytest.raises(UsageError, match="service account"):
        invitations.offer_password(user=program)


def test_the_command_makes_lists_and_revokes_links(client: Client, people: dict[str, User]) -> None:
    def command(*words: str) -> dict[str, object]:
        out = StringIO()
        call_command("invitation", *words, stdout=out)
        return dict(json.loads(out.getvalue()))

    told = command(
        "add", "nia@example.com", "--role", "auditor", "--verified", "--site", "https://a.example/"
    )
    link = str(told["link"])
    assert link.startswith("https://a.example/invitation/")
    assert accept(client, link.split("/")[-2]).headers["Location"] == SET_UP
    told = command("password", "ann@example.com")
    assert str(told["link"]).startswith("/invitation/")
    command("revoke", str(told["id"]))
    rows = command("list")["invitations"]
    assert isinstance(rows, list)
    assert [(row["purpose"], row["state"]) for row in rows] == [("password", "revoked"), ("join", "used")]


# --- the word


def test_the_word_is_kept_and_told_nowhere(
    client: Client, sec: User, caplog: pytest.LogCaptureFixture
) -> None:
    word = invited(sec)
    with caplog.at_level(logging.DEBUG):
        first = client.get(f"{PAGE}{word}/")
        pages = [
            client.get(PAGE),
            client.post(PAGE, {**FIELDS, "again": "x"}),
            client.post(PAGE, FIELDS),
            client.get("/"),
            *(Client().get(PAGE) for _ in range(2)),
        ]
    assert word not in caplog.text
    assert all(word not in page.content.decode() for page in pages)
    kept = repr(list(Invitation.objects.values())) + repr(list(AuditEvent.objects.values()))
    assert word not in kept
    assert first.headers["Referrer-Policy"] == "no-referrer"
    cookie = first.cookies["mundap_invitation"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/", True, "Lax")
    assert client.cookies["mundap_invitation"].value == ""


def test_what_ended_long_ago_is_forgotten_and_who_invited_whom_is_not(sec: User) -> None:
    for letter in "abc":
        invited(sec, f"{letter}@example.com")
    accept(Client(), invited(sec))
    long_ago = timezone.now() - invitations.KEPT_FOR - timedelta(minutes=1)
    Invitation.objects.filter(email="a@example.com").update(expires_at=long_ago)
    Invitation.objects.filter(email="b@example.com").update(revoked_at=long_ago)
    Invitation.objects.filter(email="nia@example.com").update(expires_at=long_ago)
    assert invitations.forget_old() == 2
    assert {row.email for row in Invitation.objects.all()} == {"c@example.com", "nia@example.com"}


@pytest.mark.django_db(transaction=True)
def test_of_many_who_use_a_link_at_once_in_several_processes_one_gets_the_account(tmp_path: Path) -> None:
    word = invited(None)
    environment = {
        **os.environ,
        "MUNDAP_HOME": str(tmp_path),
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
        "PYTHONPATH": str(REPOSITORY),
    }
    other = subprocess.Popen(
        [sys.executable, "-m", "tests.accounts.inviting", "8"],
        env=environment,
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "ready\n"
        other.stdin.write(f"{word}\n")
        other.stdin.flush()
        got = join_at_once(word, 12)
        got += int(other.communicate(timeout=120)[0])
    finally:
        other.kill()
        other.wait()
    assert got == 1
    assert User.objects.filter(email="nia@example.com").count() == 1
