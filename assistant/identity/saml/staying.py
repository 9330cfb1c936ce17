"""A SAML provider that knows people stays the one by which they came: subjects belong to one entity.

With its entity ID typed in, that is a setting that does not change. With metadata, the name stands in a text
that is pasted anew, or behind an address that is typed anew, and would change without anybody seeing it.
"""

from __future__ import annotations

from collections.abc import Mapping

from assistant.common.told import told
from assistant.common.types import Json
from assistant.identity.models import FetchedMetadata, IdentityProvider
from assistant.identity.saml.metadata import entity_named_in
from assistant.identity.saml.party import NotDescribed, party_of, text_of


def mistakes_of_moving(provider: IdentityProvider, before: Mapping[str, Json]) -> Mapping[str, str]:
    """What is wrong with the new settings, by field. Metadata that is still to be read is bound to the entity
    ID of before, which `refreshing` holds it against."""
    known = _entity_of(IdentityProvider(pk=provider.pk, kind=provider.kind, settings=dict(before)))
    if not known:
        return {}
    now = _entity_of(provider)
    if now and now != known:
        field = "metadata" if text_of(provider.settings, "metadata") else "entity_id"
        return {
            field: told(
                "This is another provider, {other}. People came by this one already, and elsewhere they may "
                "be others: add a new one.",
                other=now[:200],
            )
        }
    if not now and text_of(provider.settings, "metadata_url"):
        provider.settings = {**provider.settings, "entity_id": known}
    return {}


def _entity_of(provider: IdentityProvider) -> str:
    """Its name as far as it is known without asking anybody; empty where it is not."""
    try:
        return party_of(provider).entity_id
    except NotDescribed:
        pass
    url, pasted = text_of(provider.settings, "metadata_url"), text_of(provider.settings, "metadata")
    if pasted and not url and (named := entity_named_in(pasted)):
        return named  # metadata that is over by now still says by whom people came
    read = FetchedMetadata.objects.filter(provider=provider, url=url).first() if url else None
    return read.entity_id if read is not None and read.entity_id else text_of(provider.settings, "entity_id")
