"""What is on its way: a browser is sent to a provider, comes back once, and only that browser goes on.

A message of a provider may come by a request that carries none of our cookies (a form of another site). It is
judged there and its claims wait here for a minute under a ticket; the browser is then led to a page of ours,
to which it brings the cookie that it was given at the start.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.crypto import constant_time_compare

from assistant.accounts.models import User
from assistant.common.types import Json
from assistant.identity.claims import Claims, claims_of
from assistant.identity.models import LONGEST_PAGE, IdentityProvider, StartedSignIn

LIFE = timedelta(minutes=15)  # to sign in at the provider, with a second factor that must be fetched first
TICKET_LIFE = timedelta(minutes=1)
BROWSER_COOKIE = "mundap_arriving"
Purpose = StartedSignIn.Purpose


def new_word() -> str:
    """What no one can guess: 256 bits, fit for addresses and cookies."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a browser is sent away for. `user`: who is signed in, for every purpose but to sign in."""

    purpose: str = Purpose.SIGN_IN
    next_page: str = ""
    user: User | None = None


def begin(
    provider: IdentityProvider, wish: Wish, *, sent: str, browser: str, kept: Mapping[str, Json] | None = None
) -> StartedSignIn:
    """A browser is being sent away. `sent` comes back with it, `browser` is the word in its cookie."""
    return StartedSignIn.objects.create(
        provider=provider,
        sent=sent,
        browser=_digest(browser),
        next_page=wish.next_page if len(wish.next_page) <= LONGEST_PAGE else "",
        kept=dict(kept or {}),
        purpose=wish.purpose,
        user=wish.user,
    )


def waiting(provider: IdentityProvider, sent: str) -> StartedSignIn | None:
    """What was sent away under this name and has not come back yet. It is not taken: see `answer`."""
    return StartedSignIn.objects.filter(
        provider=provider, sent=sent[:64], answered_at=None, started_at__gt=timezone.now() - LIFE
    ).first()


def answer(started: StartedSignIn, claims: Claims) -> str | None:
    """It came back, with verified claims. The ticket to go on with; None if it came back before.

    Call in the transaction in which the message is spent.
    """
    ticket = new_word()
    taken = StartedSignIn.objects.filter(pk=started.pk, answered_at=None).update(
        answered_at=timezone.now(), ticket=_digest(ticket), claims=claims.as_json()
    )
    return ticket if taken else None


def take(started: StartedSignIn) -> bool:
    """It came back with something that the provider must still be asked about. False if it came back before.

    What comes of it is said by `answer_taken`; until then nobody can go on with it.
    """
    now = timezone.now()
    return bool(StartedSignIn.objects.filter(pk=started.pk, answered_at=None).update(answered_at=now))


def answer_taken(started: StartedSignIn, claims: Claims) -> str:
    """The verified claims of what was taken. The ticket to go on with."""
    ticket = new_word()
    StartedSignIn.objects.filter(pk=started.pk, ticket=None).update(
        answered_at=timezone.now(), ticket=_digest(ticket), claims=claims.as_json()
    )
    return ticket


def answer_unasked(provider: IdentityProvider, claims: Claims) -> str:
    """The provider began by itself: nobody was sent away. The ticket; its page must ask before it goes on."""
    ticket = new_word()
    StartedSignIn.objects.create(
        provider=provider,
        sent=new_word(),
        answered_at=timezone.now(),
        ticket=_digest(ticket),
        claims=claims.as_json(),
    )
    return ticket


def look(ticket: str) -> StartedSignIn | None:
    """What waits under the ticket. It is not taken."""
    return (
        StartedSignIn.objects.filter(ticket=_digest(ticket), answered_at__gt=timezone.now() - TICKET_LIFE)
        .select_related("provider", "user")
        .first()
    )


def belongs_to(started: StartedSignIn, browser: str) -> bool:
    """Whether this browser, by the word in its cookie, is the one that was sent away."""
    return bool(started.browser and browser) and constant_time_compare(started.browser, _digest(browser))


def redeem(started: StartedSignIn) -> Claims | None:
    """The claims, once: whoever comes second gets None."""
    if started.claims is None:
        return None
    taken = StartedSignIn.objects.filter(pk=started.pk).exclude(ticket=None).update(ticket=None, claims=None)
    return claims_of(started.claims) if taken else None


def forget_old() -> int:
    """Remove what never came back or is done. How many."""
    return StartedSignIn.objects.filter(started_at__lte=timezone.now() - LIFE - TICKET_LIFE).delete()[0]


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).hexdigest()
