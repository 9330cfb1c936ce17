"""What would happen with somebody who comes from a provider? Shown to who manages sign-in; nothing is kept.

A SAML answer can be pasted, or a whole sign-in tried. A pasted one is judged by the same gate as a real one.
What time alone has spoilt is looked at as of the moment at which it was made, and shown as too old.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from assistant.accounts.models import Role
from assistant.accounts.roles import Right
from assistant.common.told import said
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.checks import DrawnCheck
from assistant.console.identity import known_kind
from assistant.console.identity_checks import drawn_checks
from assistant.console.telling import in_words
from assistant.identity.arriving import Arrival, judge
from assistant.identity.claims import Claims
from assistant.identity.models import IdentityProvider
from assistant.identity.refusals import SENTENCES
from assistant.identity.saml.attributes import claims_from
from assistant.identity.saml.bounded import decoded, parsed
from assistant.identity.saml.examining import examine_response
from assistant.identity.saml.gate import (
    Asserted,
    Expected,
    Reason,
    Rejected,
    claimed_request_id,
    look_at_response,
    read_response,
)
from assistant.identity.saml.party import NotDescribed, own_addresses, party_of
from assistant.identity.saml.receiving import expected
from assistant.identity.started import Purpose, look, redeem

_LONGEST = 700_000
_SPOILT_BY_TIME = (Reason.EXPIRED, Reason.NOT_YET)
_AS_OF = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found. `trouble`: why the message is not believed. `late`: it would be believed, had it come
    when it was made. `checks`: each one of a message that was pasted."""

    trouble: str = ""
    late: str = ""
    checks: tuple[DrawnCheck, ...] = ()
    asserted: Asserted | None = None
    claims: Claims | None = None
    arrival: Arrival | None = None

    @property
    def failed(self) -> int:
        """How many checks it did not pass."""
        return sum(one.state == "failed" for one in self.checks)

    @property
    def refusal(self) -> str:
        """Why the person would not be let in, for administrators; empty if they would."""
        if self.arrival is None or self.arrival.refusal is None:
            return ""
        return in_words(SENTENCES[self.arrival.refusal])

    @property
    def role(self) -> str:
        """The role that they would get, in words; empty if theirs would stay."""
        given = self.arrival.role if self.arrival is not None else None
        return str(Role(given).label) if given else ""


@require_http_methods(["GET", "POST"])
@with_right(Right.MANAGE_SIGN_IN)
def dry_run(request: AdministratorRequest, provider_id: int) -> HttpResponse:
    """Paste an answer of the provider and see what it would do."""
    row, kind = known_kind(provider_id)
    if not kind.reads_messages and request.method == "POST":
        raise Http404
    pasted = request.POST.get("message", "")
    outcome = _of_message(request, row, pasted) if request.method == "POST" else None
    return _page(request, row, outcome, pasted if len(pasted) <= _LONGEST else "")


@require_GET
@with_right(Right.MANAGE_SIGN_IN)
def tried(request: AdministratorRequest, ticket: str) -> HttpResponse:
    """The end of a sign-in that an administrator tried: what it would have done. The ticket is used up."""
    started = look(ticket)
    if started is None or started.purpose != Purpose.TRY or started.user_id != request.user.pk:
        raise Http404
    claims = redeem(started)
    if claims is None:
        raise Http404
    return _page(request, started.provider, _of_claims(started.provider, claims), "")


def _page(
    request: AdministratorRequest, row: IdentityProvider, outcome: Outcome | None, pasted: str
) -> HttpResponse:
    context = {"provider": row, "kind": known_kind(row.pk)[1], "outcome": outcome, "pasted": pasted}
    return render(request, "console/identity_dry_run.html", context)


def _of_message(request: AdministratorRequest, row: IdentityProvider, pasted: str) -> Outcome:
    encoded = _encoded(pasted)
    own, now = own_addresses(row, f"{request.scheme}://{request.get_host()}"), timezone.now()
    try:
        expects = expected(row, party_of(row), own, _claimed_request(encoded), now)
    except NotDescribed as error:
        return Outcome(trouble=in_words(said(error)))
    examined = examine_response(encoded, expected=expects, now=now)
    wrong = [one.why for one in examined if one.why is not None]
    checks = drawn_checks(examined)
    try:
        if wrong and all(why.reason in _SPOILT_BY_TIME for why in wrong):
            asserted, late = _as_of_its_making(encoded, expects), in_words(said(wrong[0]))
        else:
            asserted, late = read_response(encoded, expected=expects, now=now), ""
    except Rejected as error:
        return Outcome(trouble=in_words(said(error)), checks=checks)
    outcome = _of_claims(row, claims_from(asserted, row.settings))
    return replace(outcome, asserted=asserted, late=late, checks=checks)


def _claimed_request(encoded: str) -> str | None:
    """Which request it answers, if it says so: a pasted one waits for none, and is held against its own."""
    try:
        return claimed_request_id(encoded)
    except Rejected:
        return None


def _of_claims(row: IdentityProvider, claims: Claims) -> Outcome:
    row.is_open = True  # here only, and never saved: what would happen once it is open
    return Outcome(claims=claims, arrival=judge(row, claims))


def _encoded(pasted: str) -> str:
    """Base64 of what was pasted, which may be XML, or Base64 broken into lines or escaped for an address."""
    text = pasted.strip()[:_LONGEST]
    if text.startswith("<"):
        return b64encode(text.encode()).decode("ascii")
    text = text.removeprefix("SAMLResponse=").partition("&")[0]
    text = text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=").replace("%0D%0A", "")
    return re.sub(r"\s+", "", text)


def _as_of_its_making(encoded: str, expects: Expected) -> Asserted:
    """Read it as if it had just been made; what is wrong beside its age is still wrong."""
    issued = parsed(decoded(encoded)).get("IssueInstant", "")
    try:
        moment = datetime.fromisoformat(issued)
    except ValueError:
        raise Rejected(Reason.TIME_FORM) from None
    return look_at_response(encoded, expected=expects, now=moment.astimezone(UTC) + _AS_OF)
