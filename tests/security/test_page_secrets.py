"""What people type to prove who they are, and what proves it later, stands in no log and no table."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyotp
import pytest
from django.conf import LazySettings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client

from assistant.access.viewer import viewer_for
from assistant.accounts.api_keys import issue_key
from assistant.accounts.models import User
from assistant.accounts.push_keys import issue_push_key
from assistant.catalogue.fitting import ModelSettings
from assistant.catalogue.search_fitting import SearchSettings
from assistant.catalogue.search_trying import try_search_settings
from assistant.catalogue.trying import try_settings
from assistant.chat.models import Conversation, Share, StoredEvent, Turn, TurnState
from assistant.chat.sharing import share_conversation
from assistant.common.known_secrets import remember
from assistant.common.network import parse_networks
from assistant.documents.models import SearchJob
from assistant.factors import app_codes
from assistant.identity.models import IdentityProvider
from assistant.identity.providers import ProviderForm, add_provider, set_open
from assistant.sync.services import add_source
from tests.conftest import PASSWORD
from tests.security.secret_canaries import (
    Lines,
    all_lines,
    canary,
    found,
    found_in_tables,
    plain_canary,
    repeating,
)

SERVER_MODES = ("401", "500")


@pytest.fixture
def lines() -> Iterator[Lines]:
    """All that is logged during the test, at the finest level."""
    with all_lines() as lines:
        yield lines


def nothing_of(canaries: set[str], lines: Lines, *, bare: bool = True) -> None:
    """None was logged or stored; with `bare`, nor would it be if nobody took it out."""
    assert found(lines.written.getvalue(), canaries) == []
    if bare:
        assert found(lines.bare.getvalue(), canaries) == []
    assert found_in_tables(canaries) == []


@pytest.mark.django_db
def test_what_is_typed_to_sign_in_is_written_nowhere(people: dict[str, User], lines: Lines) -> None:
    names = ("wrong", "stranger", "old", "new", "other", "code", "proof", "csrf")
    typed = {name: plain_canary(name) for name in names}
    wrong = {"email": "ann@example.com", "password": typed["wrong"]}
    stranger = {"email": "nobody@example.com", "password": typed["stranger"]}
    forged = {"password": typed["wrong"], "csrfmiddlewaretoken": typed["csrf"]}
    code = {"code": typed["code"]}
    old, new = {"old": typed["old"]}, {"new": typed["new"], "again": typed["new"]}
    client, halfway = Client(), Client()
    app = app_codes.new_secret()
    assert app_codes.set_up(user=people["bob"], secret=app, code=pyotp.TOTP(app).now())
    answered(302, "", halfway.post("/sign-in/", {"email": "bob@example.com", "password": PASSWORD}))
    shown = [
        answered(422, "right", client.post("/sign-in/", wrong)),
        answered(422, "right", client.post("/sign-in/", stranger)),
        answered(422, "code", halfway.post("/sign-in/second-step/", code)),
        answered(200, "", client.get(f"/sign-in/?next=/&password={typed['wrong']}")),
        answered(404, "", client.get(f"/nowhere/?token={typed['code']}")),
        answered(403, "", Client(enforce_csrf_checks=True).post("/sign-in/", forged)),
    ]
    answered(302, "", client.post("/sign-in/", {"email": "ann@example.com", "password": PASSWORD}))
    # Each answer shows that the fields were read: the pages would say the same of none at all otherwise.
    other = {"new": typed["new"], "again": typed["other"]}
    own = {"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}
    shown += [
        answered(422, "don’t match", client.post("/security/password/", old | other)),
        answered(422, "Nothing was changed", client.post("/security/password/", old | new)),
        answered(422, "your password now", client.post("/security/password/", own)),
        answered(422, "The password isn’t right", asked_again(client, typed["proof"])),
    ]
    answered(302, "", asked_again(client, PASSWORD))
    shown += [
        answered(422, "code", client.post("/security/app/", code)),
        answered(200, "is changed", client.post("/security/password/", {"old": PASSWORD} | new)),
    ]
    answered(302, "", asked_again(client, typed["new"]))  # it was the field's name
    pages = b"".join(each.content for each in shown)
    assert found(pages.replace(b"next=/&amp;password", b""), set(typed.values()) - {typed["wrong"]}) == []
    nothing_of(set(typed.values()), lines)


def asked_again(client: Client, password: str) -> HttpResponseBase:
    """Long after they signed in, somebody shows once more who they are."""
    session = client.session
    session.pop("proven", None)
    session.save()
    return client.post("/security/prove/", {"proving_password": password})


def answered(status: int, words: str, response: HttpResponseBase) -> HttpResponse:
    """The answer, once it is the one that was meant: another page would hold no canary either."""
    assert isinstance(response, HttpResponse)
    text = response.content.decode().replace("&#x27;", "’")
    assert (response.status_code, words in text) == (status, True), text[:2_000]
    return response


@pytest.mark.django_db
def test_what_proves_a_session_or_a_program_is_written_nowhere(
    people: dict[str, User], lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(raise_request_exception=False)
    client.post("/sign-in/", {"email": "ann@example.com", "password": PASSWORD})
    key = issue_key(user_id=people["ann"].pk, name="laptop", days=9, actor="test")
    conversation = Conversation.objects.create(user=people["ann"], title="x")
    turn = Turn.objects.create(conversation=conversation, question="x", state=TurnState.DONE)
    StoredEvent.objects.create(turn=turn, seq=1, kind="done", payload={})
    share_conversation(viewer=viewer_for(people["ann"]), conversation_id=conversation.pk)
    share = Share.objects.get().token
    shown = client.get("/security/app/").content.decode()
    seed = shown.split("<code>")[1].split("</code>")[0].replace(" ", "")
    client.post("/security/app/", {"code": pyotp.TOTP(seed).now()})
    codes = client.post("/security/recovery-codes/").content.decode()
    recovery = set(re.findall(r"<code>([^<]+)</code>", codes))
    assert recovery
    source = add_source(kind="push", name="notes", config={}, actor="test")
    push_key = issue_push_key(connection_id=source, name="script", days=9, actor="test")
    proofs = {client.cookies["sessionid"].value, client.cookies["csrftoken"].value, seed, *recovery}
    proofs |= {key.text, push_key.text}
    proofs |= {plain_canary("bearer"), plain_canary("scim"), plain_canary("push")}

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("something went wrong")

    monkeypatch.setattr("assistant.chat.sharing.shared_conversation", fail)
    monkeypatch.setattr("assistant.web.conversations.rail", fail)
    monkeypatch.setattr("assistant.chat.finding.search", fail)
    for path, status in (
        (f"/s/{share}/", 500),
        ("/", 500),
        (f"/s/{share}x/", 500),
        (f"/nowhere/{share}/", 404),
    ):
        answered(status, "", client.get(path))
    for bearer, status in ((key.text, 500), (plain_canary("bearer"), 401)):
        answered(status, "error", client.get("/api/v1/search?q=x", headers=bearing(bearer)))
    answered(401, "", client.get("/scim/v2/Users", headers=bearing(plain_canary("scim"))))
    place = f"/api/v1/sources/{source}/documents"
    answered(401, "error", client.post(place, headers=bearing(plain_canary("push"))))
    answered(400, "error", client.post(place, headers=bearing(push_key.text)))
    logged = lines.written.getvalue()
    # Each did fail, and was written down.
    assert logged.count("RuntimeError: something went wrong") >= 3
    assert "a call of the API failed: RuntimeError" in logged
    assert share not in logged
    assert found(logged, proofs) == []
    assert found(lines.bare.getvalue(), proofs) == []
    # A session is named by its key in its own table, as Django's cookie is; nothing else opens anything.
    at_home = [
        hit for hit in found_in_tables(proofs) if not hit.startswith("accounts_signedinsession.session_key")
    ]
    assert at_home == []


def bearing(key: str) -> dict[str, str]:
    """The header with the key."""
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.django_db
@pytest.mark.parametrize("debugging", [False, True])
def test_an_error_that_holds_a_secret_shows_it_neither_in_the_page_nor_in_the_log(
    people: dict[str, User],
    lines: Lines,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
    *,
    debugging: bool,
) -> None:
    secret = canary("of a view")
    remember(secret)
    settings.DEBUG = debugging
    settings.CELERY_BROKER_URL = f"amqp://u:{plain_canary('of the broker')}@host/"

    def fail(viewer: object, current: int | None = None) -> None:
        password = {"inner": [secret]}
        raise ValueError(f"refused: {password}")

    monkeypatch.setattr("assistant.web.conversations.rail", fail)
    client = Client(raise_request_exception=False)
    client.force_login(people["ann"])
    page = client.get("/")
    assert page.status_code == 500
    canaries = {secret, plain_canary("of the broker"), client.cookies["sessionid"].value, settings.SECRET_KEY}
    assert found(page.content, canaries) == []
    assert "ValueError: refused" in lines.written.getvalue()
    nothing_of({secret}, lines, bare=False)


@pytest.mark.django_db
@pytest.mark.parametrize("mode", SERVER_MODES)
def test_keys_of_models_and_providers_are_repeated_by_nobody(
    mode: str, people: dict[str, User], lines: Lines, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8,::1")
    names = ("chat", "aws", "embedder", "reranker", "client", "bind", "typed")
    keys = {name: plain_canary(f"{name} {mode}") for name in names}
    viewer, client, told = viewer_for(people["ada"]), Client(raise_request_exception=False), []
    with repeating(mode) as server:
        at = f"http://127.0.0.1:{server.port}"
        for kind, name in (("openai-compatible", "chat"), ("bedrock", "aws")):
            wanted = ModelSettings(name=name, kind=kind, address=at, server_model="m", region="us-east-1")
            told.append(repr(try_settings(wanted, key=keys[name], viewer=viewer, seconds=2)))
        for job, kind, name in (
            (SearchJob.EMBEDDER, "openai-compatible", "embedder"),
            (SearchJob.RERANKER, "rerank-server", "reranker"),
        ):
            model = SearchSettings(job=job, kind=kind, name=name, model="m", address=at)
            told.append(repr(try_search_settings(model, key=keys[name], viewer=viewer, seconds=2)))
        told += _company_sign_ins(client, at, server.port, keys)
        heard = b"".join(server.heard)
    assert {keys["chat"], keys["embedder"], keys["reranker"], keys["bind"]} <= set(
        found(heard, keys.values())
    )
    client.force_login(people["ada"])
    for path in (
        "identity/",
        "models/",
        "audit/",
        "",
        f"identity/{IdentityProvider.objects.get(slug='ldap').pk}/",
    ):
        page = client.get(f"/console/{path}")
        assert page.status_code == 200
        told.append(page.content.decode())
    assert found("\n".join(told), keys.values()) == []
    nothing_of(set(keys.values()), lines)


def _company_sign_ins(client: Client, at: str, port: int, keys: dict[str, str]) -> Iterator[str]:
    """Everybody tries to sign in by an OpenID provider and by a directory, which answer nothing sensible."""
    forms = (
        ProviderForm(name="O", kind="oidc", slug="oidc", domains=["example.com"],
                     settings={"issuer": at, "client_id": "mundap"}, secrets={"client_secret": keys["client"]}),  # noqa: E501
        ProviderForm(name="L", kind="ldap", slug="ldap", domains=["example.com"],
                     settings={"url": f"ldap://127.0.0.1:{port}", "encryption": "none",
                               "bind_dn": "cn=a,dc=b", "base": "dc=b"},
                     secrets={"bind_password": keys["bind"]}),
    )  # fmt: skip
    for form in forms:
        row = add_provider(form, actor="test")
        set_open(provider_id=row.pk, is_open=True, actor="test")
    yield client.get("/sign-in/oidc/oidc/begin/").content.decode()
    yield client.get("/sign-in/oidc/oidc/callback/?state=x&code=y").content.decode()
    yield client.post("/sign-in/", {"email": "zoe@example.com", "password": keys["typed"]}).content.decode()


@pytest.mark.django_db
def test_a_form_that_is_shown_again_holds_no_secret_that_was_typed(
    people: dict[str, User], lines: Lines
) -> None:
    client = Client()
    client.force_login(people["ada"])
    typed = {name: plain_canary(f"typed {name}") for name in ("source", "model", "client", "draft")}
    forms: tuple[tuple[str, dict[str, str]], ...] = (
        ("sources/new/webdav/", {"name": "W", "setting-url": "none", "setting-password": typed["source"]}),
        ("sources/new/webdav/", {"name": "W", "setting-url": "https://dav.example", "setting-user": "u",
                                 "setting-password": typed["draft"]}),
        ("models/new/", {"name": "", "kind": "openai-compatible", "address": "x", "key": typed["model"]}),
        ("identity/new/oidc/", {"name": "", "slug": "o", "setting-client_secret": typed["client"]}),
    )  # fmt: skip
    for path, form in forms:
        response = client.post(f"/console/{path}", form, follow=True)
        assert found(response.content, typed.values()) == [], path
    nothing_of(set(typed.values()), lines)
