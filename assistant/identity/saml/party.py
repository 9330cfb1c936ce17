"""With whom do we talk? The provider as its metadata or an administrator described it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone

from assistant.common.errors import MundapError
from assistant.common.told import said as sentence_of
from assistant.common.told import told
from assistant.common.types import Json
from assistant.identity.models import FetchedMetadata, IdentityProvider
from assistant.identity.saml.certificates import certificates_in
from assistant.identity.saml.metadata import BadMetadata, Party, party_mistake, read_metadata


class NotDescribed(MundapError):
    """Nothing that counts is known of the provider. The sentence is told, for administrators."""


@dataclass(frozen=True, slots=True)
class OwnAddresses:
    """What the provider knows of us, all below one site. The entity ID is where our metadata is."""

    entity_id: str
    consumer: str
    logout: str


def own_addresses(provider: IdentityProvider, site: str) -> OwnAddresses:
    """`site`: scheme and host as the browser sees them, without a slash at the end."""
    at = {
        name: site + reverse(f"web:saml-{name}", kwargs={"slug": provider.slug})
        for name in ("metadata", "acs", "logout")
    }
    return OwnAddresses(entity_id=at["metadata"], consumer=at["acs"], logout=at["logout"])


def party_of(provider: IdentityProvider) -> Party:
    """The provider as we know it now.

    Raises:
        NotDescribed: its metadata was not read yet, or counts no longer.
    """
    said = provider.settings
    url, pasted = text_of(said, "metadata_url"), text_of(said, "metadata")
    try:
        if url:
            pasted = _fetched(provider, url)
        if pasted:
            signed_by = text_of(said, "metadata_certificate")
            return read_metadata(pasted, signed_by=signed_by, now=timezone.now())
        return by_hand(said)
    except ValueError as error:  # settings are checked when they are saved; what counted then may be over
        raise NotDescribed(told("The settings of the provider cannot be used any more.")) from error
    except BadMetadata as error:
        raise NotDescribed(sentence_of(error)) from error


def by_hand(said: Mapping[str, Json]) -> Party:
    """A provider that was entered field by field.

    Raises:
        BadCertificates: no certificates stand there.
        BadMetadata: something else is wrong.
    """
    logout = text_of(said, "logout_url")
    party = Party(
        entity_id=text_of(said, "entity_id"),
        sign_in_url=text_of(said, "sign_in_url"),
        logout_url=logout,
        logout_answer_url=logout,
        certificates=certificates_in(text_of(said, "certificates")),
    )
    wrong = party_mistake(party)
    if wrong:
        raise BadMetadata(wrong)
    return party


def text_of(said: Mapping[str, Json], name: str) -> str:
    """A text among settings, without space around it."""
    return str(said.get(name) or "").strip()


def _fetched(provider: IdentityProvider, url: str) -> str:
    row = FetchedMetadata.objects.filter(provider=provider, url=url).first()
    if row is None or not row.text:
        raise NotDescribed(told("The metadata of the provider was not read yet."))
    return row.text
