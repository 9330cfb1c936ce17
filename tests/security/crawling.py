"""Every route of the system, and how a visitor goes through it with every parameter that means something."""

from __future__ import annotations

import io
import itertools
import json
import re
import zipfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

from asgiref.sync import async_to_sync
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import AsyncClient
from django.urls import URLPattern, URLResolver, get_resolver

from assistant.accounts.door_models import SignedInSession
from assistant.accounts.emergency_models import EmergencyUse
from assistant.accounts.invitation_models import Invitation
from assistant.accounts.models import ApiKey, User
from assistant.catalogue.models import LanguageModel
from assistant.chat.models import ChatFile, Conversation, Turn
from assistant.documents.models import Document
from assistant.factors.models import Passkey
from assistant.guardrails.models import BenchCase, DraftRule
from assistant.identity.models import IdentityProvider
from assistant.identity.scim.models import ProvisionedPerson, ProvisioningKey
from assistant.slackbot.models import JoinedPerson, Workspace
from assistant.sync.models import SyncRun
from tests.security.canaries import LINES, QUESTIONS, Canaries, Visitor

NOWHERE = 987_654
_FOR_PROGRAMS = ("/api/", "/scim/")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """How a route is asked. `queries` are put behind its path; {parameter} stands for each of its values."""

    methods: tuple[str, ...] = ("GET",)
    queries: tuple[str, ...] = ("",)
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What a visitor got."""

    method: str
    path: str
    status: int
    text: str  # headers and body


_HTMX = (("HX-Request", "true"),)
_FORMATS = ("", "?format=md", "?format=json", "?format=html", "?format=exe")
_TEXTS = ("?text=kanari", "?text=example.com", "?text=", "")
GET_POST, POST = ("GET", "POST"), ("POST",)
ROUTES: dict[str, Route] = {
    "": Route(queries=("", "?question=pump")),
    "c/<int:conversation_id>/": Route(),
    "c/<int:conversation_id>/delete/": Route(GET_POST),
    "c/<int:conversation_id>/share/": Route(GET_POST),
    "c/<int:conversation_id>/share/stop/": Route(POST),
    "c/<int:conversation_id>/export/": Route(queries=_FORMATS),
    "c/<int:conversation_id>/files/": Route(headers=_HTMX),
    "c/<int:conversation_id>/files/<int:file_id>/remove/": Route(POST, headers=_HTMX),
    "files/": Route(GET_POST, headers=_HTMX),
    "s/<slug:token>/": Route(),
    "s/<slug:token>/turns/<int:turn_id>/ask/": Route(),
    "s/<slug:token>/turns/<int:turn_id>/sources/<int:n>/": Route(),
    "s/<slug:token>/export/": Route(queries=_FORMATS),
    "ask/": Route(GET_POST, headers=_HTMX),
    "turns/<int:turn_id>/": Route(),
    "turns/<int:turn_id>/stream/": Route(queries=("", "?after=2")),
    "turns/<int:turn_id>/stop/": Route(POST),
    "turns/<int:turn_id>/sources/<int:n>/": Route(),
    "documents/<int:document_id>/": Route(),
    "sign-in/": Route(GET_POST),
    "invitation/": Route(GET_POST),
    "invitation/<slug:word>/": Route(),
    "sign-in/passkey/": Route(POST),
    "sign-in/passkey/begin/": Route(POST),
    "sign-in/second-step/": Route(GET_POST),
    "sign-in/set-up/": Route(GET_POST),
    "sign-in/later/": Route(POST),
    "security/": Route(),
    "security/prove/": Route(GET_POST),
    "security/password/": Route(GET_POST),
    "security/app/": Route(GET_POST),
    "security/app/remove/": Route(POST),
    "security/recovery-codes/": Route(POST),
    "security/passkeys/": Route(POST),
    "security/passkeys/<slug:passkey>/rename/": Route(POST),
    "security/passkeys/<slug:passkey>/remove/": Route(POST),
    "sign-in/finish/<slug:ticket>/": Route(GET_POST),
    "sign-in/proven/": Route(),
    "sign-in/saml/<slug:slug>/begin/": Route(queries=("", "?purpose=try", "?purpose=connect")),
    "sign-in/saml/<slug:slug>/acs/": Route(POST),
    "sign-in/saml/<slug:slug>/logout/": Route(GET_POST, queries=("", "?SAMLRequest=x&SigAlg=y&Signature=z")),
    "sign-in/saml/<slug:slug>/metadata/": Route(),
    "sign-in/oidc/<slug:slug>/begin/": Route(),
    "sign-in/oidc/<slug:slug>/callback/": Route(queries=("", "?state=a&code=b", "?error=access_denied")),
    "sign-in/oidc/<slug:slug>/signed-out/": Route(queries=("", "?state=a")),
    "sign-in/oidc/<slug:slug>/back-channel/": Route(POST),
    "sessions/": Route(),
    "my-data/": Route(POST),
    "sessions/end-others/": Route(POST),
    "sessions/<slug:handle>/end/": Route(POST),
    "slack/join/<slug:word>/": Route(GET_POST),
    "slack/joined/<int:joined_id>/leave/": Route(POST),
    "keys/": Route(GET_POST),
    "keys/<int:key_id>/revoke/": Route(POST),
    "sign-out/": Route(),
    "style/": Route(GET_POST),
    "language/": Route(POST),
    "console/": Route(),
    "console/sources/new/": Route(),
    "console/sources/new/<slug:kind>/": Route(GET_POST),
    "console/sources/next-times/": Route(POST),
    "console/sources/drafts/<slug:token>/settings/": Route(GET_POST),
    "console/sources/drafts/<slug:token>/test/": Route(GET_POST, headers=_HTMX),
    "console/sources/drafts/<slug:token>/preview/": Route(GET_POST, headers=_HTMX),
    "console/sources/drafts/<slug:token>/plan/": Route(GET_POST),
    "console/sources/drafts/<slug:token>/give-up/": Route(POST),
    "console/sources/<int:source_id>/": Route(),
    "console/sources/<int:source_id>/pause/": Route(POST),
    "console/sources/<int:source_id>/resume/": Route(POST),
    "console/sources/<int:source_id>/retry/": Route(POST),
    "console/sources/<int:source_id>/settings/": Route(GET_POST),
    "console/sources/<int:source_id>/connection/": Route(GET_POST),
    "console/sources/<int:source_id>/directory/": Route(POST),
    "console/sources/<int:source_id>/sync/": Route(POST),
    "console/sources/<int:source_id>/runs/<int:run_id>/": Route(headers=_HTMX),
    "console/sources/<int:source_id>/runs/<int:run_id>/cancel/": Route(POST),
    "console/sources/<int:source_id>/runs/<int:run_id>/approve/": Route(POST),
    "console/sources/<int:source_id>/runs/<int:run_id>/refuse/": Route(POST),
    "console/sources/<int:source_id>/runs/<int:run_id>/changes/": Route(),
    "console/permissions/": Route(
        queries=("", "?who=example&what=kanari", "?person={person_id}&document={document_id}")
    ),
    "console/permissions/find/people/": Route(queries=("?who=example", "?who=kanari", "")),
    "console/permissions/find/documents/": Route(queries=("?what=kanari", "?what={document_id}", "")),
    "console/permissions/documents/<int:document_id>/": Route(queries=("", "?page=2")),
    "console/permissions/people/<int:person_id>/": Route(),
    "console/permissions/people/<int:person_id>/sources/<int:source_id>/": Route(queries=("", "?page=2")),
    "console/answers/": Route(GET_POST),
    "console/guardrails/": Route(),
    "console/guardrails/rules/new/<slug:kind>/": Route(GET_POST),
    "console/guardrails/rules/<int:rule_id>/": Route(GET_POST),
    "console/guardrails/rules/<int:rule_id>/delete/": Route(POST),
    "console/guardrails/discard/": Route(POST),
    "console/guardrails/publish/": Route(GET_POST),
    "console/guardrails/history/": Route(),
    "console/guardrails/history/<int:number>/": Route(),
    "console/guardrails/history/<int:number>/restore/": Route(POST),
    "console/guardrails/bench/": Route(queries=("", "?rules=published&shown=wrong")),
    "console/guardrails/bench/try/": Route(POST, headers=_HTMX),
    "console/guardrails/bench/cases/add/": Route(POST),
    "console/guardrails/bench/cases/<int:case_id>/delete/": Route(POST),
    "console/guardrails/bench/import/": Route(POST),
    "console/guardrails/bench/export/": Route(),
    "console/models/": Route(),
    "console/models/new/": Route(GET_POST),
    "console/models/usage/": Route(),
    "console/models/default/": Route(POST),
    "console/models/environment/test/": Route(POST),
    "console/models/<int:model_id>/": Route(GET_POST),
    "console/models/<int:model_id>/enable/": Route(POST),
    "console/models/<int:model_id>/remove/": Route(POST),
    "console/models/search/new/<str:job>/": Route(GET_POST),
    "console/models/search/choose/<str:job>/": Route(POST),
    "console/models/search/test/<str:job>/": Route(POST),
    "console/models/search/<int:model_id>/": Route(GET_POST),
    "console/models/search/<int:model_id>/remove/": Route(POST),
    "console/ranking/": Route(GET_POST),
    "console/ranking/preview/": Route(POST),
    "console/audit/": Route(queries=("", "?person=example", "?event=user_added&since=2001-01-01")),
    "console/audit/verify/": Route(POST),
    "console/audit/export/": Route(POST),
    "console/slack/": Route(),
    "console/slack/new/": Route(),
    "console/slack/new/<slug:handle>/": Route(GET_POST),
    "console/slack/<int:workspace_id>/": Route(),
    "console/slack/<int:workspace_id>/check/": Route(POST),
    "console/slack/<int:workspace_id>/settings/": Route(POST),
    "console/slack/<int:workspace_id>/open/": Route(POST),
    "console/slack/<int:workspace_id>/connect/": Route(GET_POST),
    "console/slack/<int:workspace_id>/part/": Route(POST),
    "console/slack/<int:workspace_id>/remove/": Route(POST),
    "console/slack/<int:workspace_id>/channels/": Route(),
    "console/slack/<int:workspace_id>/channels/<slug:channel_id>/": Route(GET_POST),
    "console/identity/": Route(),
    "console/identity/new/": Route(),
    "console/identity/new/<slug:kind>/": Route(GET_POST),
    "console/identity/tried/<slug:ticket>/": Route(),
    "console/identity/<int:provider_id>/": Route(GET_POST),
    "console/identity/<int:provider_id>/open/": Route(POST),
    "console/identity/<int:provider_id>/refresh/": Route(POST),
    "console/identity/<int:provider_id>/key/": Route(POST),
    "console/identity/<int:provider_id>/try/": Route(GET_POST),
    "console/identity/<int:provider_id>/remove/": Route(POST),
    "console/provisioning/": Route(),
    "console/provisioning/<int:provider_id>/keys/add/": Route(POST),
    "console/provisioning/keys/<int:key_id>/revoke/": Route(POST),
    "console/people/": Route(queries=_TEXTS),
    "console/service-accounts/": Route(GET_POST),
    "console/people/<int:person_id>/change/": Route(POST),
    "console/people/<int:person_id>/keys/add/": Route(POST),
    "console/people/invitations/": Route(GET_POST),
    "console/people/invitations/<int:invitation_id>/revoke/": Route(POST),
    "console/people/emergency/<int:use_id>/seen/": Route(POST),
    "console/people/<int:person_id>/": Route(),
    "console/people/<int:person_id>/role/": Route(POST),
    "console/people/<int:person_id>/addresses/add/": Route(POST),
    "console/people/<int:person_id>/addresses/confirm/": Route(POST),
    "console/people/<int:person_id>/addresses/release/": Route(POST),
    "console/people/<int:person_id>/accounts/link/": Route(POST),
    "console/people/<int:person_id>/accounts/unlink/": Route(POST),
    "console/people/<int:person_id>/close/": Route(POST),
    "console/people/<int:person_id>/reopen/": Route(POST),
    "console/people/<int:person_id>/free/": Route(POST),
    "console/people/<int:person_id>/erase/": Route(POST),
    "console/people/<int:person_id>/end-sessions/": Route(POST),
    "console/people/<int:person_id>/reset-factors/": Route(POST),
    "console/people/<int:person_id>/let-in/": Route(POST),
    "console/people/<int:person_id>/disconnect/": Route(POST),
    "console/people/<int:person_id>/keys/<int:key_id>/revoke/": Route(POST),
    "api/v1/openapi.json": Route(),
    "api/v1/search": Route(
        queries=(
            *("?q=pump&k=50", "?q=kanari&k=50", "?q=펌프", "?q=", "?k=x"),
            *("?q=pump&source=kanarisource1", "?q=pump&source=kanarisource2&type=md", "?q=pump&source=none"),
            *(
                "?q=pump&after=2001-01-01",
                "?q=pump&author=kanari",
                "?q=pump&attribute=kanari",
                "?q=pump&type=x",
            ),
        )
    ),
    "api/v1/ask": Route(GET_POST),
    "api/v1/documents/<int:document_id>": Route(),
    "api/v1/permissions/explain": Route(queries=("", "?person={email}&document={document_id}")),
    "api/v1/permissions/documents": Route(queries=(*_TEXTS, "?text={document_id}")),
    "api/v1/permissions/documents/<int:document_id>/readers": Route(),
    "api/v1/permissions/people": Route(queries=_TEXTS),
    "api/v1/permissions/people/<path:email>/sources": Route(),
    "api/v1/permissions/people/<path:email>/documents": Route(queries=("?source={source_id}", "")),
    "api/v1/permissions/runs/<int:run_id>/changes": Route(),
    "api/v1/sources/<int:source_id>/documents": Route(GET_POST),
    "api/v1/sources/<int:source_id>/documents/delete": Route(GET_POST),
    "api/v1/sources/<int:source_id>/groups": Route(GET_POST),
    "api/v1/sources/<int:source_id>/jobs": Route(GET_POST),
    "api/v1/sources/<int:source_id>/jobs/<int:job_id>": Route(GET_POST),
    "api/v1/sources/<int:source_id>/jobs/<int:job_id>/stop": Route(GET_POST),
    "api/": Route(GET_POST),
    "api/v1/nothing": Route(),
    "slack/<slug:handle>/": Route(POST),
    "scim/v2/": Route(GET_POST),
    "scim/v2/ServiceProviderConfig": Route(),
    "scim/v2/ResourceTypes": Route(),
    "scim/v2/ResourceTypes/<str:name>": Route(),
    "scim/v2/Schemas": Route(),
    "scim/v2/Schemas/<str:name>": Route(),
    "scim/v2/Users": Route(GET_POST, queries=("", "?filter=userName%20sw%20%22k%22")),
    "scim/v2/Users/.search": Route(POST),
    "scim/v2/Users/<str:resource>": Route(GET_POST),
    "scim/v2/Groups": Route(GET_POST),
    "scim/v2/Groups/.search": Route(POST),
    "scim/v2/Groups/<str:resource>": Route(GET_POST),
    "admin/login/": Route(),
    "favicon.ico": Route(),
    "healthz": Route(),
    "nothing/here/": Route(),
}
NO_REAL_ROUTES = {"admin/login/", "api/v1/nothing", "nothing/here/"}  # asked all the same


def all_routes() -> Iterator[str]:
    """The patterns of every route that the system answers."""

    def walk(resolver: URLResolver, prefix: str) -> Iterator[str]:
        for entry in resolver.url_patterns:
            path = prefix + str(entry.pattern)
            if isinstance(entry, URLPattern):
                yield path
            else:
                yield from walk(entry, path)

    return walk(get_resolver(), "")


def parameters(world: Canaries) -> dict[str, list[str]]:
    """Every value that each parameter of a route can have, and some that it cannot."""

    def known(ids: object) -> list[str]:
        return [*map(str, ids), str(NOWHERE), "0"]  # type: ignore[call-overload]

    return {
        "document_id": known(Document.every.values_list("pk", flat=True)),
        "turn_id": known(Turn.objects.values_list("pk", flat=True)),
        "conversation_id": known(Conversation.objects.values_list("pk", flat=True)),
        "file_id": known(ChatFile.objects.values_list("pk", flat=True)),
        "n": ["1", "2", "3", "99"],
        "source_id": known(world.source_ids.values()),
        "job_id": known(SyncRun.objects.values_list("pk", flat=True)),
        "job": ["embedder", "reranker", "entailment", "nothing"],
        "model_id": known(LanguageModel.objects.values_list("pk", flat=True)),
        "run_id": known(SyncRun.objects.values_list("pk", flat=True)),
        "key_id": known(
            {
                *ApiKey.objects.values_list("pk", flat=True),
                *ProvisioningKey.objects.values_list("pk", flat=True),
            }
        ),
        "person_id": known(User.objects.values_list("pk", flat=True)),
        "email": [*User.objects.values_list("email", flat=True), "nobody@example.com", "no address"],
        "ticket": ["nothing", "x" * 43],
        "word": ["nothing", "x" * 43],
        "invitation_id": known(Invitation.objects.values_list("pk", flat=True)),
        "use_id": known(EmergencyUse.objects.values_list("pk", flat=True)),
        "slug": ["nothing"],
        "provider_id": known(IdentityProvider.objects.values_list("pk", flat=True)),
        "token": [*world.tokens.values(), "nothing", "x" * 43],
        "kind": ["filesystem", "jsonl", "words", "personal_data", "saml", "nothing"],
        "handle": [
            *SignedInSession.objects.values_list("handle", flat=True),
            "nothing",
            "0123456789abcdef",
        ],
        "workspace_id": known(Workspace.objects.values_list("pk", flat=True)),
        "channel_id": ["C0NOWHERE", "nothing"],
        "joined_id": known(JoinedPerson.objects.values_list("pk", flat=True)),
        "passkey": [*Passkey.objects.values_list("handle", flat=True), "nothing"],
        "rule_id": known(DraftRule.objects.values_list("pk", flat=True)),
        "case_id": known(BenchCase.objects.values_list("pk", flat=True)),
        "number": ["1", "2", "99"],
        "name": ["User", "urn:ietf:params:scim:schemas:core:2.0:Group", "nothing"],
        "resource": [*map(str, ProvisionedPerson.objects.values_list("number", flat=True)), "nothing"],
    }


def paths(route: str, known: dict[str, list[str]], *, most: int, random: Random) -> list[str]:
    """The route with its parameters and queries filled in; a sample where there are more than `most`."""
    filled: list[str] = []
    for query in ROUTES[route].queries:
        pattern = f"/{_PARAMETER.sub(lambda found: '{' + found[1] + '}', route)}{query}"
        names = re.findall(r"{(\w+)}", pattern)
        values = itertools.product(*(known[name] for name in names))
        filled += [pattern.format(**dict(zip(names, map(quote, value), strict=True))) for value in values]
    return filled if len(filled) <= most else random.sample(filled, most)


def crawl(
    world: Canaries, visitor: Visitor, *, most: int, random: Random, known: dict[str, list[str]]
) -> Iterator[Shown]:
    """All routes as this visitor. What a POST changes is undone."""
    for route, how in ROUTES.items():
        for path in paths(route, known, most=most, random=random):
            for method in how.methods:
                yield asked(world, visitor, method, path, dict(how.headers))


def asked(world: Canaries, visitor: Visitor, method: str, path: str, headers: dict[str, str]) -> Shown:
    """One request."""
    if path.startswith(_FOR_PROGRAMS):
        headers = {**headers, "Authorization": f"Bearer {visitor.key}"} if visitor.key else headers
    if "/stream/" in path:
        return _streamed(visitor, path)
    with transaction.atomic():
        if method == "GET":
            answer = visitor.client.get(path, headers=headers)
        elif path.startswith(_FOR_PROGRAMS):
            body = json.dumps({"question": QUESTIONS[0]})
            answer = visitor.client.post(path, body, content_type="application/json", headers=headers)
        else:
            answer = visitor.client.post(path, _form(world), headers=headers)
        text = f"{answer.headers}\n{_body(answer)}"
        transaction.set_rollback(method == "POST")
    if "/sign-in/" in path and visitor.user is not None:
        visitor.client.force_login(visitor.user)
    return Shown(method, path, answer.status_code, text)


def _form(world: Canaries) -> dict[str, str]:
    """Fields of every form at once."""
    return {
        "question": QUESTIONS[0],
        "scope_source": LINES,
        "recency": "20",
        "half_life": "30",
        "title": "20",
        "email": "cho@example.com",
        "password": "x",
        "language": "en",
        "kind": "full",
        "role": "auditor",
        "address": "cho@example.com",
        "source": str(min(world.source_ids.values())),
        "account": "kanariaccount1",
    }


def _body(answer: HttpResponseBase) -> str:
    parts = getattr(answer, "streaming_content", None)
    body = b"".join(parts) if parts is not None else bytes(getattr(answer, "content", b""))
    if answer.headers.get("Content-Type") == "application/zip":
        with zipfile.ZipFile(io.BytesIO(body)) as file:
            body = b"\n".join(name.encode() + b"\n" + file.read(name) for name in file.namelist())
    return body.decode(errors="replace")


def _streamed(visitor: Visitor, path: str) -> Shown:
    """The event stream to its end, from the asynchronous view that only a real server runs."""

    async def read() -> Shown:
        client = AsyncClient()
        client.cookies = visitor.client.cookies
        answer = await client.get(path)
        text = str(answer.headers)
        if answer.streaming:
            parts: AsyncIterator[bytes] = answer.streaming_content  # type: ignore[attr-defined]
            text += b"".join([part async for part in parts]).decode()
        else:
            text += answer.content.decode()
        return Shown("GET", path, answer.status_code, text)

    return async_to_sync(read)()
