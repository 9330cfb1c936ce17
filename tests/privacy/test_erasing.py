"""An erased person is in no table, no file and no log, and everybody else's things are as they were."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection, models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistant.access.viewer import Viewer, viewer_for
from assistant.access.visibility import visible_documents
from assistant.accounts import people as accounts
from assistant.accounts.api_keys import issue_key
from assistant.accounts.door_models import SignedInSession
from assistant.accounts.emergency_models import EmergencyUse
from assistant.accounts.invitation_models import Invitation
from assistant.accounts.models import AccountLink, Address, Connection, Principal, Role, SourceAccount, User
from assistant.accounts.principals import intern_principals, replace_membership
from assistant.accounts.rate_models import RateCounter
from assistant.accounts.services import add_user
from assistant.accounts.throttle import admit
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event, record
from assistant.audit.verifying import verify
from assistant.chat import selectors
from assistant.chat.models import Conversation, Feedback, PersonalStyle, Turn
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.chat.sharing import share_conversation
from assistant.common.acl import account, user
from assistant.common.errors import NotFound, UsageError
from assistant.common.types import Json
from assistant.factors.models import AuthenticatorApp, Challenge, Passkey, Postponement, RecoveryCode
from assistant.guardrails.models import BenchCase
from assistant.identity.models import (
    ExternalIdentity,
    IdentityProvider,
    ProviderSession,
    StartedSignIn,
)
from assistant.identity.scim.models import ProvisionedGroup, ProvisionedMember, ProvisionedPerson
from assistant.privacy.erasing import erase, erase_remains, holdings
from assistant.privacy.sweeping import LEFT_ALONE, Names
from assistant.slackbot.models import JoinedPerson, Thread, Workspace
from assistant.sync.models import Source, SyncRun
from tests.chat.files import added
from tests.conftest import PASSWORD, SmallWorld

ADDRESS, ALIAS, NAME = "zanthoxylum.kim@example.com", "z.kim-old@example.com", "Zanthoxylum Kim"
LOGIN, SLACK_USER = "zkim-4711", "U0ZANTHOX1"
QUESTION = "How many days a week may quetzalcoatl and I work remotely?"
FILE = "The nordwindlicht offer costs 4,310 won."
CANARIES = ("zanthoxylum", "z.kim-old", "quetzalcoatl", "nordwindlicht", LOGIN, SLACK_USER.lower())


def asked(viewer: Viewer, question: str) -> Turn:
    """A turn that is over. The web process's own thread may be the one that runs it."""
    turn = start_turn(viewer=viewer, question=question, conversation_id=None)
    run_turn(turn.pk)
    until = time.monotonic() + 60
    while selectors.turn(viewer=viewer, turn_id=turn.pk).is_open and time.monotonic() < until:
        time.sleep(0.02)
    return turn


def planted(world: SmallWorld, home: Path) -> User:
    """A person who has left something everywhere."""
    person = add_user(email=ADDRESS, name=NAME, password=PASSWORD, actor="ada@example.com")
    accounts.add_alias(user_id=person.pk, address=ALIAS, actor="ada@example.com")
    source = Connection.objects.get(pk=world.source_id)
    principal = intern_principals([account(LOGIN)], connection=source)[account(LOGIN)]
    AccountLink.objects.create(principal_id=principal, user=person)
    world.groups["staff"]["members"] = [*world.groups["staff"]["members"], f"user:{ADDRESS}"]  # type: ignore[misc]
    world.documents["salaries"]["acl"] = {"deny": [f"user:{ADDRESS}"], "allow": ["everyone"]}
    world.write()
    assert world.sync().state == "succeeded"
    browser = Client()
    browser.force_login(person)
    assert browser.get(reverse("web:sessions")).status_code == 200
    admit(name=ADDRESS, address="203.0.113.77")
    issue_key(user_id=person.pk, name="zanthoxylum laptop", days=9, actor=ADDRESS)
    viewer = world.viewer(ADDRESS.partition("@")[0])
    turn = asked(viewer, QUESTION)
    added(viewer, "nordwindlicht.md", FILE)
    share_conversation(viewer=viewer, conversation_id=turn.conversation_id)
    PersonalStyle.objects.create(user=person, instructions="Call me zanthoxylum.")
    BenchCase.objects.create(text="x", stage="question", expected="pass", language="en", created_by=ADDRESS)
    SyncRun.objects.filter(source=world.source_id).update(requested_by=ADDRESS.title())
    Source.objects.filter(pk=world.source_id).update(
        audience=[f"user:{ALIAS}", "user:sam@example.com", "everyone"]
    )
    provider = IdentityProvider.objects.create(slug="house", name="House", kind="oidc")
    proving(person, browser, provider)
    in_slack(person, turn.conversation)
    Feedback.objects.create(turn=turn, user=person, useful=False, comment="quetzalcoatl asks in vain")
    LogEntry.objects.create(user=person, object_repr=ADDRESS, action_flag=1, change_message=NAME)
    record(Event.SIGNED_IN, actor_id=person.pk, actor=ADDRESS)
    record(Event.ROLE_CHANGED, actor="ada@example.com", user=ADDRESS, before={"people": [ALIAS]})
    logs = home / "logs"
    logs.mkdir(exist_ok=True)
    (logs / "web.log").write_text(f"GET /?q=1 {ADDRESS}\nGET / bob@example.com\n")
    return person


def proving(person: User, browser: Client, provider: IdentityProvider) -> None:
    """What a person shows to sign in, and what their company's provider tells of them."""
    AuthenticatorApp.objects.create(user=person, sealed_secret=b"sealed", last_step=0)
    RecoveryCode.objects.create(user=person, digest="0" * 64)
    Passkey.objects.create(
        user=person, owner="0" * 64, name="zanthoxylum's key", site="mundap.example",
        credential_digest="0" * 64, credential=b"id and key, quetzalcoatl",
    )  # fmt: skip
    Challenge.objects.create(digest="0" * 64, purpose="sign_in", user=person, browser="0" * 64)
    Postponement.objects.create(user=person)
    EmergencyUse.objects.create(user=person, address="203.0.113.77")
    EmergencyUse.objects.create(user=User.objects.get(email="ada@example.com"), acknowledged_by=ADDRESS)
    RateCounter.objects.create(key=f"questions {person.pk}", user=person, at=timezone.now())
    later = timezone.now() + timedelta(days=1)
    Invitation.objects.create(
        purpose="join", digest="0" * 64, email=ADDRESS, name=NAME, role=Role.EMPLOYEE, user=person,
        made_by="ada@example.com", expires_at=later,
    )  # fmt: skip
    Invitation.objects.create(
        purpose="join", digest="1" * 64, email="new@example.com", role=Role.EMPLOYEE, maker=person,
        made_by=ADDRESS, expires_at=later,
    )  # fmt: skip
    identity = ExternalIdentity.objects.create(provider=provider, subject="quetzalcoatl-1", user=person)
    session = SignedInSession.objects.get(pk=browser.session.session_key)
    ProviderSession.objects.create(
        session=session, identity=identity, index="quetzalcoatl-2", kept={"name_id": ADDRESS}
    )
    told = {"email": ADDRESS, "name": NAME}
    StartedSignIn.objects.create(provider=provider, sent="s", claims=told)
    StartedSignIn.objects.create(provider=provider, sent="t", user=person, kept={"login_hint": ADDRESS})
    provisioned = ProvisionedPerson.objects.create(
        provider=provider, user=person, external_id="quetzalcoatl-3", user_name=LOGIN, user_name_key=LOGIN,
        address=ADDRESS, shown={"displayName": NAME, "emails": [{"value": ALIAS}], "title": "nordwindlicht"},
    )  # fmt: skip
    group = ProvisionedGroup.objects.create(
        provider=provider,
        external_id=f"of {ADDRESS}",
        name=f"Team of {ADDRESS}",
        name_key=f"team of {ADDRESS}",
    )
    ProvisionedMember.objects.create(group=group, person=provisioned)


def in_slack(person: User, conversation: Conversation) -> None:
    """Who a person is in Slack, and which thread there is a conversation of theirs."""
    workspace = Workspace.objects.create(handle="hall", team_id="T1", bot_user_id="U1", name="Hall")
    JoinedPerson.objects.create(workspace=workspace, slack_user=SLACK_USER, user=person, by_link=True)
    Thread.objects.create(workspace=workspace, channel_id="D1", conversation=conversation, user=person)


def without_a_row_of(person: User) -> set[str]:
    """Tables of people that hold nothing of this one: nobody would see what is left there."""
    return {
        f"{model._meta.label}.{column.name}"
        for model in apps.get_models()
        for column in model._meta.concrete_fields
        if isinstance(column, models.ForeignKey) and column.related_model is User
        if not model._base_manager.filter(**{column.name: person}).exists()
    }


def spellings(canary: str) -> Iterator[bytes]:
    """How it could stand in a file."""
    for text in (canary, canary.upper(), canary.title()):
        yield text.encode()
        yield text.encode("utf-16-le")
        for shift in range(3):  # of base64, wherever it begins in what was encoded
            yield base64.b64encode(b" " * shift + text.encode())[4 if shift else 0 : -4]


def found_in_files(folder: Path) -> list[str]:
    """Files below the folder, and the database's, that hold a canary."""
    contents = {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    if connection.vendor == "sqlite":
        database = Path(str(connection.settings_dict["NAME"]))
        contents |= {str(file): _read_elsewhere(file) for file in database.parent.glob(f"{database.name}*")}
    wanted = [(canary, spelling) for canary in CANARIES for spelling in spellings(canary)]
    hits = []
    for name, raw in contents.items():
        hits += [f"{Path(name).name}: {canary}" for canary, spelling in wanted if spelling in raw]
    return sorted(set(hits))


def _read_elsewhere(file: Path) -> bytes:
    """The bytes of a database that is open here, read by another process.

    Whoever opens and closes such a file gives up all locks of the process on it (POSIX), and SQLite does not
    notice: the next process that closes the database takes itself for the last one and removes its log.
    """
    return subprocess.run(["cat", file], check=True, capture_output=True).stdout


def found_in_tables() -> list[str]:
    """Columns of any table, whether a model knows of it or not, that hold a canary."""
    hits = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    raw = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                    told = raw.lower() + json.dumps(str(value)).lower().encode()
                    hits += [f"{table}.{name}: {canary}" for canary in CANARIES if canary.encode() in told]
    return sorted(set(hits))


@pytest.mark.django_db(transaction=True)
def test_nothing_of_an_erased_person_is_left_in_any_table_or_file(
    small_world: SmallWorld, settings: LazySettings, tmp_path: Path
) -> None:
    settings.MUNDAP_HOME = home = tmp_path  # where the other folders are already
    person = planted(small_world, home)
    small_world.file.unlink()  # the source is no part of the installation, and will forget them by itself
    bob = small_world.viewer("bob")
    assert without_a_row_of(person) == set()
    theirs = asked(bob, "When does the office in Daejeon open?")
    before = repr(selectors.turn(viewer=bob, turn_id=theirs.pk))
    readable = set(visible_documents(bob).values_list("external_id", flat=True))
    assert {hit.rpartition(": ")[2] for hit in found_in_tables()} == set(CANARIES)
    assert any(hit.startswith("web.log") for hit in found_in_files(home))

    done = erase(user_id=person.pk, actor="ada@example.com")

    assert found_in_tables() == []
    assert found_in_files(home) == []
    assert done.deleted.conversations == 2
    assert done.deleted.files == 1
    assert done.scrubbed
    assert (home / "logs" / "web.log").read_text().endswith("GET / bob@example.com\n")
    assert verify(actor="test").ok
    assert done.audit_entries
    assert AuditEvent.objects.filter(actor=done.word, actor_id=person.pk, event=Event.SIGNED_IN).exists()
    assert Source.objects.get(pk=small_world.source_id).audience[1:] == ["user:sam@example.com", "everyone"]
    assert repr(selectors.turn(viewer=bob, turn_id=theirs.pk)) == before
    assert set(visible_documents(bob).values_list("external_id", flat=True)) == readable


@pytest.mark.django_db
def test_whoever_gets_the_address_inherits_nothing_and_stays_denied(small_world: SmallWorld) -> None:
    world = small_world
    add_user(email=ADDRESS, name=NAME, actor="ada@example.com")
    world.groups["staff"]["members"] = [*world.groups["staff"]["members"], f"user:{ADDRESS}"]  # type: ignore[misc]
    world.documents["open"]["acl"] = {"deny": [f"user:{ADDRESS}"], "allow": ["everyone"]}
    world.write()
    assert world.sync().state == "succeeded"
    denied = Principal.objects.get(external_id=ADDRESS).pk
    erase(user_id=User.objects.get(email=ADDRESS).pk, actor="ada@example.com")
    assert not Principal.objects.filter(external_id=ADDRESS).exists()
    newcomer = add_user(email=ADDRESS.upper(), actor="ada@example.com")
    assert not Address.objects.get(user=newcomer).confirmed
    assert Principal.objects.get(external_id=ADDRESS).pk == denied  # the one that access lists name
    viewer = world.viewer(ADDRESS.partition("@")[0])
    assert not visible_documents(viewer).exists()
    accounts.confirm_address(address=ADDRESS, actor="ada@example.com")
    assert "handbook" in set(visible_documents(viewer).values_list("external_id", flat=True))


@pytest.mark.django_db
def test_a_source_that_still_names_them_brings_the_name_back_to_the_same_principal(
    small_world: SmallWorld,
) -> None:
    person = add_user(email=ADDRESS, actor="ada@example.com")
    source = Connection.objects.get(pk=small_world.source_id)
    refs = [user(ADDRESS), account(LOGIN)]
    before = intern_principals(refs, connection=source)
    AccountLink.objects.create(principal_id=before[account(LOGIN)], user=person)
    erase(user_id=person.pk, actor="ada@example.com")
    assert Principal.objects.get(pk=before[account(LOGIN)]).settled_in is None  # a deny of it counts for all
    assert intern_principals(refs, connection=source) == before
    assert not Principal.objects.filter(external_id__startswith="erased:").exists()


@pytest.mark.django_db
def test_what_a_source_reported_of_their_accounts_names_nobody(small_world: SmallWorld) -> None:
    person = add_user(email=ADDRESS, actor="ada@example.com")
    source = Connection.objects.get(pk=small_world.source_id)
    replace_membership(connection=source, groups={}, accounts={LOGIN: ADDRESS}, now=timezone.now())
    assert holdings(person.pk).accounts == 1
    erase(user_id=person.pk, actor="ada@example.com")
    assert not SourceAccount.objects.exclude(address="").exists()


@pytest.mark.django_db
def test_what_a_killed_erasure_left_is_taken_by_the_next_with_the_same_address(
    people: dict[str, User], capsys: pytest.CaptureFixture[str]
) -> None:
    person = add_user(email=ADDRESS, actor="ada@example.com")
    erase(user_id=person.pk, actor="ada@example.com")
    record(Event.USER_ADDED, user=ADDRESS)  # as if nobody had come to rewrite it
    call_command("person", "erase", ADDRESS)
    assert json.loads(capsys.readouterr().out)["audit_entries"] == 1
    assert not [row for row in AuditEvent.objects.all() if ADDRESS in repr(row.data)]
    assert verify(actor="test").ok
    with pytest.raises(NotFound):
        erase_remains(address="ann@example.com", actor="test")


@pytest.mark.django_db
def test_the_command_tells_what_would_go_and_does_nothing_until_it_is_sure(people: dict[str, User]) -> None:
    with pytest.raises(UsageError, match="Nothing was erased"):
        call_command("person", "erase", "ann@example.com")
    assert User.objects.filter(email="ann@example.com").exists()
    call_command("person", "erase", "ann@example.com", "--yes")
    assert not User.objects.filter(email="ann@example.com").exists()


@pytest.mark.django_db
def test_nobody_erases_themselves_or_the_last_who_manages_people(people: dict[str, User]) -> None:
    with pytest.raises(accounts.OwnAccount):
        erase(user_id=people["ada"].pk, actor="ada@example.com")
    with pytest.raises(accounts.LastManager):
        erase(user_id=people["ada"].pk, actor="command line")
    assert User.objects.filter(email="ada@example.com", is_active=True).exists()


def test_an_address_within_a_longer_one_is_somebody_else_s() -> None:
    names = Names(["ann@example.com"], "erased-1")
    others = "joann@example.com, ann@example.com.au, m-ann@example.com, ann@example.community"
    assert names.without(others) == others
    told: dict[str, Json] = {
        "who": ["Ann@Example.com", {"user:ann@example.com": "<ann@example.com>."}],
        "n": 3,
    }
    assert names.without(told) == {"who": ["erased-1", {"user:erased-1": "<erased-1>."}], "n": 3}
    assert names.blotted(b"a ANN@example.com b") == b"a xxxxxxxxxxxxxxx b"


def test_every_table_that_belongs_to_a_person_goes_with_them() -> None:
    kept = {
        f"{model._meta.label}.{column.name}"
        for model in apps.get_models()
        for column in model._meta.concrete_fields
        if isinstance(column, models.ForeignKey)
        and column.related_model is User
        and column.remote_field.on_delete is not models.CASCADE
    }
    assert kept == {"accounts.Address.user"}  # which `veil` deletes
    assert set(LEFT_ALONE) <= {model._meta.label for model in apps.get_models()}


@pytest.fixture
def sec(people: dict[str, User]) -> Client:
    """The browser of a security administrator who has just signed in."""
    browser = Client()
    browser.force_login(
        User.objects.create_user("sec@example.com", PASSWORD, role=Role.SECURITY_ADMINISTRATOR)
    )
    return browser


@pytest.mark.django_db
def test_the_page_shows_what_would_go_and_erases_once_the_address_is_typed(
    sec: Client, people: dict[str, User]
) -> None:
    person = people["ann"]
    Conversation.objects.create(user=person, title="x")
    page = sec.get(reverse("console:person", args=[person.pk])).content.decode()
    assert "conversations: 1" in page
    erasing = reverse("console:person-erase", args=[person.pk])
    assert sec.get(erasing).status_code == 405
    refused = sec.post(erasing, {"typed_address": "bob@example.com"})
    assert refused.status_code == 422
    assert User.objects.filter(pk=person.pk).exists()
    done = sec.post(erasing, {"typed_address": "Ann@Example.com"})
    assert done.status_code == 200
    assert "ann@example.com" not in done.content.decode()
    assert not User.objects.filter(pk=person.pk).exists()
    assert not Conversation.objects.exists()
    log = sec.get(reverse("console:audit")).content.decode()
    assert "ann@example.com" not in log
    assert sec.get(reverse("console:person", args=[person.pk])).status_code == 404


@pytest.mark.django_db
def test_whoever_signed_in_long_ago_proves_who_they_are_first(sec: Client, people: dict[str, User]) -> None:
    session = sec.session
    session["proven"] = (timezone.now() - timedelta(hours=2)).isoformat()
    session.save()
    erasing = reverse("console:person-erase", args=[people["ann"].pk])
    assert sec.post(erasing, {"typed_address": "ann@example.com"}).status_code == 403
    assert User.objects.filter(email="ann@example.com").exists()
    proven = {"typed_address": "ann@example.com", "proving_password": PASSWORD}
    assert sec.post(erasing, proven).status_code == 200
    assert not User.objects.filter(email="ann@example.com").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.CONTENT_ADMINISTRATOR, Role.AUDITOR])
def test_for_others_nobody_can_be_erased(client: Client, people: dict[str, User], role: Role) -> None:
    client.force_login(User.objects.create_user("other@example.com", PASSWORD, role=role))
    erasing = reverse("console:person-erase", args=[people["ann"].pk])
    assert client.post(erasing, {"typed_address": "ann@example.com"}).status_code == 404
    assert User.objects.filter(email="ann@example.com").exists()


@pytest.mark.django_db
def test_what_others_asked_before_the_person_names_their_account_no_more(
    small_world: SmallWorld, people: dict[str, User]
) -> None:
    """What is still being answered for them ends; for the others it is read as before."""
    ann, bob, cho = (people[name] for name in ("ann", "bob", "cho"))
    turns = [
        start_turn(
            viewer=viewer_for(bob, beside=others), question="When does the office open?", conversation_id=None
        )
        for others in ([ann.pk, cho.pk], [ann.pk], [cho.pk])
    ]
    assert run_turn(turns[0].pk)
    erase(user_id=ann.pk, actor="ada@example.com")
    assert list(Turn.objects.order_by("pk").values_list("seen_by", "stop_requested")) == [
        ([cho.pk], False),
        ([], True),
        ([cho.pk], False),
    ]
    assert selectors.turn(viewer=viewer_for(bob, beside=[cho.pk]), turn_id=turns[0].pk).sentences
