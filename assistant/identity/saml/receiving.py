"""What comes from a SAML provider is taken here: answers to sign-ins once, ends of sessions by their owner.

Verification is the gate's alone. Here is decided which sign-in an answer belongs to, whether one of its kind
may come at all, and what follows from it; every refusal is written down without anything of the message.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from assistant.accounts.door_models import SignedInSession
from assistant.audit.trail import Event, record
from assistant.common.errors import MundapError, NotFound
from assistant.common.told import said, told
from assistant.identity.models import IdentityProvider, ProviderSession, StartedSignIn
from assistant.identity.saml.attributes import claims_from
from assistant.identity.saml.gate import Asserted, Expected, Rejected, claimed_request_id, read_response
from assistant.identity.saml.keys import own_keys
from assistant.identity.saml.logout import (
    ExpectedLogout,
    Message,
    read_logout_request,
    read_logout_response,
)
from assistant.identity.saml.messages import Correspondence, logout_answer
from assistant.identity.saml.metadata import Party
from assistant.identity.saml.party import NotDescribed, OwnAddresses, party_of
from assistant.identity.spent import spend
from assistant.identity.started import Purpose, answer, answer_unasked, waiting

_CLOCKS = timedelta(seconds=60)  # by which those of both sides may differ


class NotTaken(MundapError):
    """An answer leads to nothing. `reason`: a word for the audit log; the gate's, or one of ours."""

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Ended:
    """Sessions that a provider ended: how many, and where the browser goes with our answer."""

    count: int
    to: str


def saml_provider(slug: str) -> IdentityProvider:
    """The SAML provider of this name, open or not.

    Raises:
        NotFound: there is none.
    """
    row = IdentityProvider.objects.filter(slug=slug, kind="saml").first()
    if row is None:
        raise NotFound("There is no such way to sign in.")
    return row


def take_answer(provider: IdentityProvider, encoded: str, own: OwnAddresses, *, now: datetime) -> str:
    """The ticket with which the browser goes on to `finish`.

    Raises:
        NotFound: the provider is closed, and no administrator tries it.
        NotTaken: it is not believed, or answers nothing that waits.
    """
    try:
        asked = claimed_request_id(encoded)
    except Rejected as error:
        raise _told_apart(error) from error
    started = waiting(provider, asked) if asked else None
    if not provider.is_open and (started is None or started.purpose != Purpose.TRY):
        raise NotFound("There is no such way to sign in.")
    if asked and started is None:
        raise NotTaken(
            told("The answer belongs to no sign-in that was begun here in the last quarter of an hour."),
            "not_waiting",
        )
    if not asked and provider.settings.get("allows_unsolicited") is not True:
        raise NotTaken(
            told("The provider began the sign-in by itself, which is not allowed for it."), "unsolicited"
        )
    try:
        party = party_of(provider)
        asserted = read_response(encoded, expected=expected(provider, party, own, asked, now), now=now)
    except Rejected as error:
        raise _told_apart(error) from error
    except NotDescribed as error:
        raise NotTaken(said(error), "not_described") from error
    if started is not None and started.purpose == Purpose.PROVE and _is_old(started, asserted):
        raise NotTaken(
            told("The provider did not ask the person anew who they are, though it was told to."), "not_fresh"
        )
    claims = claims_from(asserted, provider.settings)
    with transaction.atomic():
        ticket = None
        if spend(provider.pk, asserted.assertion_id, asserted.expires_at):
            ticket = answer(started, claims) if started is not None else answer_unasked(provider, claims)
    if ticket is None:
        raise NotTaken(told("The same answer came before. Each counts once."), "replayed")
    return ticket


def expected(
    provider: IdentityProvider, party: Party, own: OwnAddresses, request_id: str | None, now: datetime
) -> Expected:
    """What an answer must fit."""
    return Expected(
        issuer=party.entity_id,
        audience=own.entity_id,
        destination=own.consumer,
        certificates=party.believed(now),
        request_id=request_id,
        decryption_keys=own_keys(provider).opening,
        encrypted_only=provider.settings.get("encrypted_only") is True,
    )


def take_logout(
    provider: IdentityProvider, message: Message, own: OwnAddresses, *, relay_state: str, now: datetime
) -> Ended:
    """The provider signs somebody out: their sessions that it gave us end in every process.

    Raises:
        NotTaken: it is not believed, or came before.
    """
    try:
        party = party_of(provider)
        asked = read_logout_request(message, expected=_expected_logout(party, own, None, now), now=now)
    except Rejected as error:
        raise _told_apart(error) from error
    except NotDescribed as error:
        raise NotTaken(said(error), "not_described") from error
    with transaction.atomic():
        if not spend(provider.pk, asked.request_id, asked.expires_at):
            raise NotTaken(told("The same message came before. Each counts once."), "replayed")
        ended = _end(provider, asked.subject, asked.session_indexes)
    to = ""
    if party.logout_answer_url:
        with suppress(NotDescribed):  # without a key of ours it ended all the same, and the page here says so
            between = Correspondence(party, own, own_keys(provider).current.key)
            to = logout_answer(between, answers=asked.request_id, relay_state=relay_state)
    return Ended(ended, to)


def take_logout_answer(
    provider: IdentityProvider, message: Message, own: OwnAddresses, *, request_id: str, now: datetime
) -> bool:
    """The provider answers that somebody signed out there, too. Whether everywhere.

    Raises:
        NotTaken: it is not believed, or the provider could not.
    """
    try:
        party = party_of(provider)
        answered = read_logout_response(
            message, expected=_expected_logout(party, own, request_id, now), now=now
        )
    except Rejected as error:
        raise _told_apart(error) from error
    except NotDescribed as error:
        raise NotTaken(said(error), "not_described") from error
    return not answered.is_partial


def _expected_logout(
    party: Party, own: OwnAddresses, request_id: str | None, now: datetime
) -> ExpectedLogout:
    return ExpectedLogout(
        issuer=party.entity_id,
        audience=own.entity_id,
        destination=own.logout,
        certificates=party.believed(now),
        request_id=request_id,
    )


def _end(provider: IdentityProvider, name_id: str, indexes: tuple[str, ...]) -> int:
    """End the sessions here that stand on these at the provider; all of the person's where none is named."""
    found = ProviderSession.objects.filter(identity__provider=provider, kept__name_id=name_id)
    if indexes:
        found = found.filter(index__in=indexes)
    rows = list(found.select_related("identity__user"))
    for user in {row.identity.user for row in rows}:
        count = sum(row.identity.user_id == user.pk for row in rows)
        record(
            Event.IDENTITY_SIGNED_OUT,
            actor=f"provider:{provider.slug}",
            user=user.email,
            provider=provider.slug,
            count=count,
        )
    SignedInSession.objects.filter(provider_session__in=rows).delete()
    return len(rows)


def _is_old(started: StartedSignIn, asserted: Asserted) -> bool:
    return asserted.authenticated_at < started.started_at - _CLOCKS


def _told_apart(error: Rejected) -> NotTaken:
    return NotTaken(said(error), str(error.reason))


def note_not_taken(provider: IdentityProvider, error: NotTaken) -> None:
    """Say in the audit log that something came in this provider's name, and why it was not believed."""
    record(Event.IDENTITY_MESSAGE_REFUSED, provider=provider.slug, reason=error.reason)
