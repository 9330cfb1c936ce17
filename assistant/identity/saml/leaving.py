"""Signing out here signs out at the provider, too."""

from __future__ import annotations

from assistant.identity.kinds import Leaving
from assistant.identity.models import ProviderSession
from assistant.identity.saml.keys import own_keys
from assistant.identity.saml.messages import Correspondence, logout_request
from assistant.identity.saml.party import NotDescribed, own_addresses, party_of


def leave(session: ProviderSession, site: str) -> Leaving | None:
    """The way out; None where the provider has no single logout, or is closed."""
    provider = session.identity.provider
    if not provider.is_open or not session.kept.get("name_id"):
        return None
    try:
        party, keys = party_of(provider), own_keys(provider)
    except NotDescribed:
        return None
    if not party.logout_url:
        return None
    between = Correspondence(party, own_addresses(provider, site), keys.current.key)
    sent = logout_request(
        between,
        name_id=str(session.kept["name_id"]),
        name_id_format=str(session.kept.get("format", "")),
        session_index=session.index,
    )
    return Leaving(sent.to, sent.id)
