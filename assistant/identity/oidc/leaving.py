"""Signing out at the provider (RP-Initiated Logout 1.0), and being told that sessions end (Back-Channel)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.urls import reverse
from oauthlib.common import add_params_to_uri

from assistant.common.errors import MundapError
from assistant.identity.kinds import Leaving
from assistant.identity.models import ProviderSession
from assistant.identity.oidc import known
from assistant.identity.oidc.rejections import Reason, Rejected
from assistant.identity.oidc.settings import Settings, settings_of
from assistant.identity.oidc.signed import LEEWAY_S, Wanted, read
from assistant.identity.started import new_word

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LOGOUT_TOKEN = frozenset({"", "jwt", "logout+jwt"})
_OLDEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """Whose sessions end: all of a subject, or one of the provider's own sessions. One of both is not empty.

    `number` must be spent until `expires_at`.
    """

    number: str
    subject: str
    session: str
    expires_at: datetime


def leave(session: ProviderSession, site: str) -> Leaving | None:
    """The way out at the provider, too; None where it has none, is closed or does not answer."""
    provider = session.identity.provider
    if not provider.is_open:
        return None
    try:
        settings = settings_of(provider)
        with known.client_of(settings) as client:
            metadata = known.metadata_for(settings, client)
    except MundapError:
        return None
    if not metadata.end_session:
        return None
    state = new_word()
    back_to = site + reverse("web:oidc-signed-out", kwargs={"slug": provider.slug})
    parameters = [
        ("client_id", settings.client_id),
        ("post_logout_redirect_uri", back_to),
        ("state", state),
    ]
    if hint := session.kept.get("id_token"):
        parameters.insert(0, ("id_token_hint", str(hint)))
    return Leaving(str(add_params_to_uri(metadata.end_session, parameters)), state)


def read_logout_token(raw: str, settings: Settings) -> LogoutToken:
    """A message by which the provider ends sessions.

    Raises:
        Rejected: it is not believed, or is none.
    """
    with known.client_of(settings) as client:
        metadata = known.metadata_for(settings, client)
        wanted = Wanted(settings.issuer, settings.client_id, metadata.algorithms, _LOGOUT_TOKEN, ("jti",))
        token = read(raw, wanted, lambda number: known.keys_for(settings, client, metadata, number))
    claims = token.claims
    events = claims.get("events")
    # A nonce would make it an ID token that somebody passes off as a sign-out.
    if not isinstance(events, Mapping) or not isinstance(events.get(_EVENT), Mapping) or "nonce" in claims:
        raise Rejected(Reason.NO_LOGOUT_EVENT)
    subject, session = claims.get("sub") or "", claims.get("sid") or ""
    if not isinstance(subject, str) or not isinstance(session, str) or not (subject or session):
        raise Rejected(Reason.MISSING_CLAIM)
    issued = datetime.fromtimestamp(float(str(claims["iat"])), tz=UTC)
    if issued < datetime.now(UTC) - _OLDEST:
        raise Rejected(Reason.EXPIRED)
    remembered = issued + _OLDEST + timedelta(seconds=2 * LEEWAY_S)
    return LogoutToken(str(claims["jti"]), subject, session, remembered)
