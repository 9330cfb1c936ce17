"""Everything that a route can name, once: for everybody a conversation, and one of each thing of the console.

And everybody who may come: each role in a browser, each sort of key, and those whom nothing opens any more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from django.test import Client
from django.utils import timezone

from assistant.access.viewer import viewer_for
from assistant.accounts.api_keys import issue_key, revoke_key, scopes_for
from assistant.accounts.door_models import SignedInSession
from assistant.accounts.emergency_models import EmergencyUse
from assistant.accounts.invitations import invite
from assistant.accounts.models import Address, ApiKey, PushKey, Role, User
from assistant.accounts.people import add_alias, close_account, link_account
from assistant.accounts.push_keys import issue_push_key
from assistant.accounts.scopes import Scope
from assistant.accounts.service_accounts import add_service_account
from assistant.catalogue.models import LanguageModel
from assistant.chat.models import Conversation, Turn
from assistant.chat.runner import run_turn
from assistant.chat.sharing import share_conversation
from assistant.common.types import Json
from assistant.documents.models import Document, SearchModel
from assistant.factors.emergency import make
from assistant.factors.models import Passkey
from assistant.guardrails.models import BenchCase, DraftRule, PolicyVersion
from assistant.identity.claims import Claims
from assistant.identity.models import ExternalIdentity, IdentityProvider, StartedSignIn
from assistant.identity.providers import ProviderForm, add_provider, set_open
from assistant.identity.saml.keys import make_keys
from assistant.identity.scim.keys import issue_provisioning_key
from assistant.identity.scim.models import ProvisionedGroup, ProvisionedPerson, ProvisioningKey
from assistant.identity.started import Purpose, Wish, answer, begin, new_word
from assistant.slackbot.models import JoinedPerson, Workspace
from assistant.sync.models import RunState, SyncRun
from assistant.sync.push_jobs import start_job
from assistant.sync.services import add_source
from tests.chat.files import added
from tests.conftest import PASSWORD, SmallWorld
from tests.guardrails.rules import publish, written
from tests.identity.saml.made_messages import keys

QUESTION = "What is the guest network called?"
ROLES = {
    "con": Role.CONTENT_ADMINISTRATOR,
    "sec": Role.SECURITY_ADMINISTRATOR,
    "ana": Role.ANALYST,
    "aud": Role.AUDITOR,
    "eve": Role.ADMINISTRATOR,  # her account is closed
}
IN_BROWSERS = ("ann", "sam", "con", "sec", "ana", "aud", "ada")  # ann and sam are employees, sam in no group
_PARAMETER = re.compile(r"(?<!P)<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks: with the cookie of a session, with a key, or with neither.

    `user`: who they are, None for nobody (any more). `source_id`: of a working push key.
    """

    name: str
    user: User | None = None
    cookie: str = ""
    key: str = ""
    scopes: frozenset[Scope] = frozenset()
    source_id: int = 0


@dataclass(slots=True)
class Grounds:
    """The world. `own` holds by actor what is theirs alone, by the name of a route's parameter."""

    actors: dict[str, Actor]
    common: dict[str, str]
    own: dict[str, dict[str, str]] = field(default_factory=dict)

    def value(self, route: str, name: str, actor: str) -> str:
        """What the parameter means to this actor on this route: theirs, or what everybody means by it."""
        own = self.own.get(actor, self.own["ann"])
        special: Mapping[str, Mapping[str, str]] = {
            "console/sources/drafts/": {"token": own.get("draft", self.own["con"]["draft"])},
            "console/identity/new/": {"kind": "saml"},
            "console/slack/new/": {"handle": "0123456789abcdef"},
            "console/guardrails/rules/new/": {"kind": "words"},
            "console/models/search/test/": {"job": "embedder"},
            "console/models/search/<int": {"model_id": self.common["search_model_id"]},
            "console/sources/<int:source_id>/runs/<int:run_id>/approve": {
                "run_id": self.common["asking_run"]
            },
            "console/sources/<int:source_id>/runs/<int:run_id>/refuse": {"run_id": self.common["asking_run"]},
            "console/identity/tried/": {"ticket": own.get("tried", "nothing")},
            "console/people/<int:person_id>/change/": {"person_id": self.common["service_id"]},
            "console/people/<int:person_id>/keys/add/": {"person_id": self.common["service_id"]},
            "console/people/<int:person_id>/keys/": {"key_id": self.common["key_of_person"]},
            "api/v1/sources/": {"source_id": self.common["push_source_id"]},
            "console/provisioning/": {"key_id": self.common["provisioning_key_id"]},
            "scim/v2/Users/": {"resource": self.common["provisioned_person"]},
            "scim/v2/Groups/": {"resource": self.common["provisioned_group"]},
            "scim/v2/Schemas/": {"name": "urn:ietf:params:scim:schemas:core:2.0:User"},
            "scim/v2/ResourceTypes/": {"name": "User"},
        }
        for beginning, values in special.items():
            if route.startswith(beginning) and name in values:
                return values[name]
        return own.get(name) or self.common[name]

    def path(self, route: str, actor: str, **other: str) -> str:
        """The route with its parameters filled in; `other` stands for some of them."""
        filled = _PARAMETER.sub(
            lambda found: quote(other.get(found[1]) or self.value(route, found[1], actor), safe=""), route
        )
        return "/" + re.sub(r"\^?\(\?P<app_label>[^)]*\)/\$", "auth/", filled).replace(
            "(?P<url>.*)$", "nothing"
        )

    def query(self, route: str) -> str:
        """What a page or call needs behind its path."""
        return {
            "api/v1/search": "?q=network",
            "api/v1/permissions/explain": f"?person=ann@example.com&document={self.common['document_id']}",
            "api/v1/permissions/documents": "?text=open",
            "api/v1/permissions/people": "?text=ann",
            "api/v1/permissions/people/<path:email>/documents": f"?source={self.common['source_id']}",
        }.get(route, "")

    def settings(self, route: str) -> dict[str, str]:
        """What the environment must say so that there is something to do."""
        if route != "console/models/environment/test/":
            return {}
        return {
            "MUNDAP_CHAT_MODEL": "openai-compatible",
            "MUNDAP_CHAT_URL": "http://127.0.0.1:9/v1",  # where nobody listens
            "MUNDAP_CHAT_MODEL_NAME": "writer",
        }

    def fields(self, route: str) -> dict[str, str]:
        """What a form must hold so that it means something that is there."""
        person = "console/people/<int:person_id>/"
        account = {"source": self.common["source_id"], "account": "4711"}
        return {
            f"{person}addresses/confirm/": {"address": "second@example.com"},
            f"{person}addresses/release/": {"address": "second@example.com"},
            f"{person}disconnect/": {"identity": self.common["identity_id"]},
            "console/people/invitations/": {"email": "lee@example.com", "role": "employee"},
            f"{person}accounts/link/": account,
            f"{person}accounts/unlink/": {**account, "account": "4712"},
            "console/slack/<int:workspace_id>/part/": {"joined": self.common["joined_by_link"]},
            "console/sources/<int:source_id>/sync/": {"kind": "incremental"},
        }.get(route, {})

    def body(self, route: str) -> Json:
        """What a call is sent."""
        pushed: Json = {"id": "note", "title": "Note", "text": "A note.", "acl": {"allow": ["everyone"]}}
        bodies: dict[str, Json] = {
            "api/v1/ask": {"question": QUESTION},
            "api/v1/sources/<int:source_id>/documents": {"documents": [pushed]},
            "api/v1/sources/<int:source_id>/documents/delete": {"ids": ["note"]},
        }
        return bodies.get(route, {})


def parameters_of(route: str) -> list[str]:
    """The names of a route's parameters."""
    return _PARAMETER.findall(route)


def laid_out(world: SmallWorld, people: Mapping[str, User], home: Path) -> Grounds:
    """The small world with all of it."""
    everybody = {**people, **{name: _arrives(name, role) for name, role in ROLES.items()}}
    everybody["service"] = add_service_account(word="box", name="", contact="IT", actor="test")
    common = _things(world, everybody)
    actors = _actors(everybody, int(common["push_source_id"]))
    provisioned = {
        "provisioning_key_id": str(ProvisioningKey.objects.get().pk),
        "provisioned_person": str(ProvisionedPerson.objects.get().number),
        "provisioned_group": str(ProvisionedGroup.objects.get().number),
        "provider_id": str(IdentityProvider.objects.get(slug="directory").pk),
    }
    grounds = Grounds(actors, {**provisioned, **common})
    for name in (*IN_BROWSERS, "bob"):
        grounds.own[name] = _own_things(everybody[name])
    for name in ("sec", "ada"):
        grounds.own[name]["tried"] = _tried(everybody[name])
    for name in ("con", "ada"):
        grounds.own[name]["draft"] = _draft(grounds.actors[name], home)
    return grounds


def _arrives(name: str, role: Role) -> User:
    return User.objects.create_user(f"{name}@example.com", PASSWORD, name=name.title(), role=role)


def _own_things(user: User) -> dict[str, str]:
    viewer = viewer_for(user)
    conversation = Conversation.objects.create(user=user, title="The network")
    turn = Turn.objects.create(
        conversation=conversation, question=QUESTION, language="en", model="extractive"
    )
    assert run_turn(turn.pk)
    file = added(viewer, "notes.md", f"# Notes of {user.pk}\n\nNothing.\n", conversation.pk)
    share_conversation(viewer=viewer, conversation_id=conversation.pk)
    Client().force_login(user)  # a second browser of theirs
    return {
        "conversation_id": str(conversation.pk),
        "turn_id": str(turn.pk),
        "file_id": str(file.pk),
        "token": conversation.share.token,
        "handle": SignedInSession.objects.filter(user=user).latest("started_at").handle,
        "key_id": str(issue_key(user_id=user.pk, name="own", days=9, actor="test").id),
        "passkey": _passkey(user).handle,
        "joined_id": str(_in_slack(user).pk),
    }


def _passkey(user: User) -> Passkey:
    """A row as a device left it; nobody signs in with it here."""
    return Passkey.objects.create(
        user=user,
        owner=f"{user.pk:064x}",
        name="Laptop",
        site="testserver",
        credential_digest=f"{user.pk:064x}",
        credential=b"of a device",
    )


def _in_slack(user: User) -> JoinedPerson:
    """Who they are in a workspace of Slack that nobody asks."""
    return JoinedPerson.objects.create(workspace=_hall(), slack_user=f"U{user.pk}", user=user, by_link=True)


def _hall() -> Workspace:
    """The workspace."""
    workspace, _ = Workspace.objects.get_or_create(
        handle="hall",
        defaults={
            "team_id": "T1",
            "bot_user_id": "U1",
            "name": "Hall",
            "address": "https://ask.example.com",
        },
    )
    return workspace


def _things(world: SmallWorld, people: Mapping[str, User]) -> dict[str, str]:
    """What is nobody's own."""
    cho = people["cho"]
    for account in ("4710", "4711"):  # the second one with an address is nobody's until somebody decides
        world.groups["account"] = {"account": account, "email": cho.email}
        world.sync()
    add_alias(user_id=cho.pk, address="second@example.com", actor="test")
    Address.objects.filter(address="second@example.com").update(confirmed=False)
    link_account(connection_id=world.source_id, account_id="4712", user_id=cho.pk, actor="test")
    publish(written("words", "One", words=["one"]))
    publish(written("words", "Two", words=["two"]))
    push_id = add_source(kind="push", name="pushed", config={}, actor="test")
    job = start_job(source_id=push_id, name="", actor="test")
    asking = SyncRun.objects.create(
        source_id=world.source_id,
        kind="full",
        state=RunState.WAITING_FOR_APPROVAL,
        finished_at=timezone.now(),
    )
    return {
        "document_id": str(Document.objects.get(external_id="open").pk),
        "source_id": str(world.source_id),
        "run_id": str(SyncRun.objects.filter(source_id=world.source_id).earliest("pk").pk),
        "asking_run": str(asking.pk),
        "push_source_id": str(push_id),
        "job_id": str(job["job"]),
        "job": "reranker",
        "n": "1",
        "kind": "jsonl",
        "rule_id": str(DraftRule.objects.earliest("pk").pk),
        "number": str(PolicyVersion.objects.earliest("number").number),
        "case_id": str(_case().pk),
        "model_id": str(LanguageModel.objects.create(name="writer", kind="openai-compatible").pk),
        "search_model_id": str(SearchModel.objects.create(job="reranker", kind="cross-encoder").pk),
        "person_id": str(cho.pk),
        "service_id": str(people["service"].pk),
        "key_of_person": str(issue_key(user_id=cho.pk, name="cho", days=9, actor="test").id),
        "email": cho.email,
        "object_id": "1",
        "content_type_id": "1",
        "ticket": "expired",
        "word": "expired",
        "invitation_id": str(invite(email="nia@example.com", inviter=None).id),
        "use_id": str(EmergencyUse.objects.create(user=make(actor="test").user).pk),
        "workspace_id": str(_hall().pk),
        "channel_id": "C1",
        "joined_by_link": str(_in_slack(cho).pk),
        **_provider(cho),
    }


def _provider(known: User) -> dict[str, str]:
    """A company's sign-in that is open, and knows somebody."""
    settings: dict[str, Json] = {
        "entity_id": "https://idp.example.com",
        "sign_in_url": "https://idp.example.com/sso",
        "certificates": keys("rsa").certificate,
    }
    provider = add_provider(
        ProviderForm(name="Company", kind="saml", slug="company", settings=settings), actor="test"
    )
    set_open(provider_id=provider.pk, is_open=True, actor="test")
    identity = ExternalIdentity.objects.create(provider=provider, subject="s", user=known)
    return {"provider_id": str(provider.pk), "slug": provider.slug, "identity_id": str(identity.pk)}


def _tried(user: User) -> str:
    """The ticket of a sign-in that this administrator tried; it lasts as long as the test."""
    provider = IdentityProvider.objects.get(slug="company")
    started = begin(provider, Wish(Purpose.TRY, user=user), sent=new_word(), browser=new_word())
    ticket = answer(started, Claims(subject="s"))
    StartedSignIn.objects.filter(pk=started.pk).update(answered_at=timezone.now() + timedelta(days=1))
    assert ticket is not None
    return ticket


def _case() -> BenchCase:
    return BenchCase.objects.create(text="one", stage="question", expected="block", language="en")


def _draft(actor: Actor, home: Path) -> str:
    """A source that somebody is adding."""
    file = home / "draft.jsonl"
    file.write_text(json.dumps({"id": "a", "text": "Nothing."}), encoding="utf-8")
    client = Client()
    client.cookies["sessionid"] = actor.cookie
    sent = client.post("/console/sources/new/jsonl/", {"name": "Draft", "setting-path": str(file)})
    assert sent.status_code == 302, sent.content
    return sent.headers["Location"].split("/")[-3]


def _actors(people: Mapping[str, User], push_id: int) -> dict[str, Actor]:
    actors = [Actor("nobody")]
    for name in (*IN_BROWSERS, "eve"):
        client = Client()
        client.force_login(people[name])
        actors.append(Actor(name, people[name], cookie=client.cookies["sessionid"].value))
    actors += [*_with_keys(people, push_id), _provisioning(people["cho"])]
    close_account(user_id=people["eve"].pk, actor="test")
    closed = {"eve", "key of eve"}
    return {
        actor.name: Actor(actor.name, None, actor.cookie, actor.key) if actor.name in closed else actor
        for actor in actors
    }


def _provisioning(user: User) -> Actor:
    """A provider's program, which manages one person and one group."""
    provider = IdentityProvider.objects.create(
        slug="directory", name="Directory", kind="saml", domains=["example.com"]
    )
    make_keys(provider)
    ProvisionedPerson.objects.create(
        provider=provider, user=user, user_name="cho", user_name_key="cho", address=user.email
    )
    ProvisionedGroup.objects.create(provider=provider, name="staff", name_key="staff")
    key = issue_provisioning_key(provider_id=provider.pk, name="directory", days=9, actor="test")
    ProvisioningKey.objects.update(used_at=timezone.now())  # so that no request has to write it down
    return Actor("provisioning key", key=key.text)


def _with_keys(people: Mapping[str, User], push_id: int) -> list[Actor]:
    def key(name: str, owner: str, *scopes: Scope) -> Actor:
        user = people[owner]
        new = issue_key(user_id=user.pk, name=name, days=9, actor="test", scopes=scopes)
        return Actor(name, user, key=new.text, scopes=frozenset(scopes))

    def push(name: str, source_id: int) -> Actor:
        new = issue_push_key(connection_id=source_id, name=name, days=9, actor="test")
        return Actor(name, key=new.text, source_id=source_id)

    made = [
        *(key(f"key for {scope}", "ada", scope) for scope in Scope),
        key("key of ada", "ada", *Scope),
        key("key of ann", "ann", *Scope),
        key("key of ana", "ana", *Scope),
        key("key of eve", "eve", *Scope),
        key("key of service", "service", *scopes_for(people["service"])),
        push("push key", push_id),
        push("other push key", add_source(kind="push", name="other", config={}, actor="test")),
    ]
    dead = [
        key("expired key", "ada", *Scope),
        key("revoked key", "ada", *Scope),
        push("expired push key", push_id),
    ]
    over = timezone.now() - timedelta(seconds=1)
    ApiKey.objects.filter(name="expired key").update(expires_at=over)
    PushKey.objects.filter(name="expired push key").update(expires_at=over)
    revoke_key(key_id=ApiKey.objects.get(name="revoked key").pk, actor="test")
    # So that no request has to write it down, however long the asking takes.
    ApiKey.objects.update(last_used_at=timezone.now() + timedelta(days=1))
    return [*made, *(Actor(each.name, key=each.key) for each in dead)]
