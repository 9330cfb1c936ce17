"""The code flow with PKCE: where a browser is sent, and what its answer is worth (OpenID Connect Core 1.0).

A sign-in is tied to the browser by its cookie, to this request by state, nonce and PKCE, to the provider by
an answer address of its own and, where the provider says it, by `iss` (RFC 9207).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from django.utils.crypto import constant_time_compare
from oauthlib.common import add_params_to_uri
from oauthlib.oauth2 import WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from assistant.common.guarded_http import GuardedClient
from assistant.common.types import Json, JsonObject
from assistant.identity.claims import Claims
from assistant.identity.oidc import known
from assistant.identity.oidc.metadata import Metadata
from assistant.identity.oidc.rejections import Reason, Rejected
from assistant.identity.oidc.settings import Settings
from assistant.identity.oidc.signed import LEEWAY_S, Token, Wanted, read
from assistant.identity.oidc.told_claims import claims_from, needs_userinfo

_VERIFIER_LENGTH = 64
_OK = 200
_ID_TOKEN = frozenset({"", "jwt"})


@dataclass(frozen=True, slots=True)
class Departure:
    """`to`: where the browser goes. `kept` stays here until it comes back."""

    to: str
    kept: Mapping[str, Json]


def depart(settings: Settings, *, state: str, answer_at: str, anew: bool) -> Departure:
    """The address of the provider's page. `anew`: the person must sign in there, even if they are.

    Raises:
        Rejected: the provider's configuration cannot be read.
    """
    with known.client_of(settings) as client:
        metadata = known.metadata_for(settings, client)
    oauth = WebApplicationClient(settings.client_id)
    verifier = oauth.create_code_verifier(_VERIFIER_LENGTH)
    nonce = secrets.token_urlsafe(32)
    parameters = [
        ("response_type", "code"),
        ("client_id", settings.client_id),
        ("redirect_uri", answer_at),
        ("scope", " ".join(settings.scopes)),
        ("state", state),
        ("nonce", nonce),
        ("code_challenge", oauth.create_code_challenge(verifier, "S256")),
        ("code_challenge_method", "S256"),
    ]
    if anew:
        parameters += [("prompt", "login"), ("max_age", "0")]
    to = add_params_to_uri(metadata.authorization, parameters)
    return Departure(to, {"nonce": nonce, "verifier": verifier, "answer_at": answer_at, "anew": anew})


@dataclass(frozen=True, slots=True)
class Arriving:
    """What came back with a browser, and what was kept of its departure at `departed`."""

    code: str
    issuer: str | None  # as the answer says it
    kept: Mapping[str, Json]
    departed: datetime


def judge_issuer(settings: Settings, issuer: str | None) -> None:
    """Whether the answer is of the provider that was asked (RFC 9207).

    Raises:
        Rejected: it is of another one, or does not say whose it is though this one always does.
    """
    with known.client_of(settings) as client:
        metadata = known.metadata_for(settings, client)
    if issuer != settings.issuer and (issuer is not None or metadata.says_issuer):
        raise Rejected(Reason.MIXED_UP)


def arrive(settings: Settings, arriving: Arriving) -> Claims:
    """What the provider says of the person.

    Raises:
        Rejected: it does not answer, or its answer is not believed.
    """
    with known.client_of(settings) as client:
        metadata = known.metadata_for(settings, client)
        tokens = _exchange(settings, client, metadata, arriving)
        raw = tokens.get("id_token")
        if not isinstance(raw, str) or not raw:
            raise Rejected(Reason.NO_TOKEN)
        wanted = Wanted(
            settings.issuer, settings.client_id, metadata.algorithms, _ID_TOKEN, ("sub", "exp", "nonce")
        )
        token = read(raw, wanted, lambda number: known.keys_for(settings, client, metadata, number))
        _judge(token, tokens, arriving)
        userinfo: JsonObject = {}
        if metadata.userinfo and needs_userinfo(settings, token.claims):
            subject = str(token.claims["sub"])
            userinfo = _userinfo(client, metadata, str(tokens.get("access_token", "")), subject)
    return claims_from(settings, token.claims, userinfo, id_token=raw)


def _exchange(
    settings: Settings, client: GuardedClient, metadata: Metadata, arriving: Arriving
) -> dict[str, Any]:
    """The tokens for the code (RFC 6749, section 4.1.3)."""
    form = {
        "grant_type": "authorization_code",
        "code": arriving.code,
        "redirect_uri": str(arriving.kept["answer_at"]),
        "code_verifier": str(arriving.kept["verifier"]),
    }
    headers = {}
    if metadata.client_auth == "client_secret_basic":
        pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"
    else:
        form |= {"client_id": settings.client_id, "client_secret": settings.client_secret}
    answer = known.posted(client, metadata.token, form, headers=headers)
    document = known.object_in(answer)
    if document.get("error") in ("invalid_client", "unauthorized_client"):
        raise Rejected(Reason.CLIENT_REFUSED)
    if answer.status != _OK:
        raise Rejected(Reason.CODE_REFUSED)
    oauth = WebApplicationClient(settings.client_id)
    try:
        tokens: dict[str, Any] = oauth.parse_request_body_response(answer.text)
    except (OAuth2Error, ValueError, TypeError, AttributeError) as error:
        raise Rejected(Reason.CODE_REFUSED) from error
    if str(tokens.get("token_type", "")).lower() != "bearer":
        raise Rejected(Reason.MALFORMED)
    return tokens


def _judge(token: Token, tokens: JsonObject, arriving: Arriving) -> None:
    claims = token.claims
    nonce, subject = claims["nonce"], claims["sub"]
    if not isinstance(nonce, str) or not constant_time_compare(nonce, str(arriving.kept["nonce"])):
        raise Rejected(Reason.NONCE)
    if not isinstance(subject, str) or not subject:
        raise Rejected(Reason.MISSING_CLAIM)
    if "at_hash" in claims and claims["at_hash"] != token.half_hash(str(tokens.get("access_token", ""))):
        raise Rejected(Reason.ACCESS_TOKEN)
    if arriving.kept["anew"] is True:
        at = claims.get("auth_time")
        earliest = (arriving.departed - timedelta(seconds=LEEWAY_S)).timestamp()
        if not isinstance(at, int) or isinstance(at, bool) or at < earliest:
            raise Rejected(Reason.NOT_AUTHENTICATED_ANEW)


def _userinfo(client: GuardedClient, metadata: Metadata, access_token: str, subject: str) -> JsonObject:
    answer = known.asked(client, metadata.userinfo, headers={"authorization": f"Bearer {access_token}"})
    if answer.status != _OK:
        raise Rejected(Reason.MALFORMED)
    document = known.object_in(answer)
    if document.get("sub") != subject:
        raise Rejected(Reason.OTHER_SUBJECT)
    return document
