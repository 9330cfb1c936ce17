"""Reading a provider's metadata from its address: when it is saved, and once a day."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assistant.audit.trail import Event, record
from assistant.common.errors import MundapError
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Ask, Reach
from assistant.common.network import Network
from assistant.common.told import parts, said, told
from assistant.identity.models import FetchedMetadata, IdentityProvider
from assistant.identity.saml.metadata import MOST_BYTES, BadMetadata, Party, read_metadata
from assistant.identity.saml.party import text_of

_SILENCE_S, _LONGEST_S = 10.0, 30.0
_OK = 200


def refresh(provider: IdentityProvider) -> str:
    """Read the metadata from its address, if it has one. What kept us from it, told; empty if nothing did.

    What was read before stays where the new is not there, is wrong, or is of another provider.
    """
    url = text_of(provider.settings, "metadata_url")
    if not url:
        FetchedMetadata.objects.filter(provider=provider).delete()
        return ""
    problem, text = "", ""
    try:
        text = _fetched(url)
        read = read_metadata(
            text, signed_by=text_of(provider.settings, "metadata_certificate"), now=timezone.now()
        )
        _same_provider(provider, url, read)
    except MundapError as error:
        problem = said(error)
    _keep(provider, url, text, problem)
    return problem


def _fetched(url: str) -> str:
    reach = Reach(Network(settings.MUNDAP_ALLOWED_NETWORKS))
    with GuardedClient(reach, timeout_s=_SILENCE_S, tries=2, longest_s=_LONGEST_S) as client:
        answer = client.send(Ask("GET", url, max_bytes=MOST_BYTES, redirects=3))
    if answer.status != _OK:
        raise BadMetadata(told("The address of the metadata answers {status}.", status=answer.status))
    try:
        return answer.body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadMetadata(told("The metadata is not written in UTF-8.")) from error


def _same_provider(provider: IdentityProvider, url: str, read: Party) -> None:
    """Subjects belong to one entity. At another one the same subject may be somebody else."""
    before = FetchedMetadata.objects.filter(provider=provider, url=url).first()
    pinned = text_of(provider.settings, "entity_id") or (before.entity_id if before else "")
    if pinned and read.entity_id != pinned:
        raise BadMetadata(
            told("The metadata is of another provider, {other}, and is not used.", other=read.entity_id[:200])
        )


def _keep(provider: IdentityProvider, url: str, text: str, problem: str) -> None:
    now = timezone.now()
    with transaction.atomic():
        row, _ = FetchedMetadata.objects.select_for_update().get_or_create(provider=provider)
        if row.url != url:
            row.url, row.text, row.entity_id, row.fetched_at = url, "", "", None
        changed = not problem and row.text != text
        if not problem:
            row.text, row.fetched_at = text, now
            row.entity_id = read_metadata(text, now=now).entity_id
        row.tried_at, told_before = now, row.problem
        row.problem, row.problem_parts = str(problem), parts(problem)
        row.save()
        if changed:
            record(Event.IDENTITY_METADATA_READ, provider=provider.slug)
        elif problem and problem != told_before:
            record(Event.IDENTITY_METADATA_FAILED, provider=provider.slug)
