"""Through the sign-in of an OpenID provider with a test's own browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse
from django.test import Client

from assistant.identity.models import IdentityProvider
from assistant.identity.providers import ProviderForm, add_provider, set_open
from tests.identity.oidc.false_provider import CLIENT, SECRET, FalseProvider


def opened(at: FalseProvider, slug: str = "keycloak", **settings: Any) -> IdentityProvider:
    """The provider as an administrator enters it, open."""
    form = ProviderForm(
        name=slug.title(),
        kind="oidc",
        slug=slug,
        settings={"issuer": at.issuer, "client_id": CLIENT, **settings},
        secrets={"client_secret": SECRET},
        domains=["example.com"],
        group_roles=[("auditors", "auditor")],
    )
    row = add_provider(form, actor="test")
    set_open(provider_id=row.pk, is_open=True, actor="test")
    return row


def leave(client: Client, at: FalseProvider, slug: str = "keycloak", query: str = "") -> dict[str, str]:
    """Begin, and sign in at the provider. What it would give the browser to bring back."""
    gone = client.get(f"/sign-in/oidc/{slug}/begin/{query}")
    assert gone.status_code == 302, gone.content
    sent = {name: values[0] for name, values in parse_qs(urlsplit(gone["Location"]).query).items()}
    at.nonce, at.challenge = sent["nonce"], sent["code_challenge"]
    at.codes.add(f"code of {sent['state']}")
    return {"code": f"code of {sent['state']}", "state": sent["state"]}


def come_back(client: Client, brought: dict[str, str], slug: str = "keycloak") -> HttpResponse:
    """The browser is led back, and on to the page that signs in."""
    answer = client.get(f"/sign-in/oidc/{slug}/callback/", brought)
    if answer.status_code == 302:
        answer = client.get(answer["Location"])
    return answer  # type: ignore[return-value]


def is_signed_in(client: Client) -> bool:
    """Whether this browser is signed in."""
    return bool(client.get("/sessions/").status_code == 200)
