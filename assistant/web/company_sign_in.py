"""To a company's identity provider and back: what all kinds of providers have in common.

Each kind builds the address to which a browser is sent (`send_away`) and verifies what comes back; then the
browser goes to `finish` with a ticket. Only there is anybody signed in, and only in the browser that left.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from assistant.accounts import cookies, proof, throttle
from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import User
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound
from assistant.common.identity import known_as_address
from assistant.common.types import Json
from assistant.factors import halfway
from assistant.factors.rule import Way
from assistant.identity.arriving import admit, connect
from assistant.identity.claims import Claims
from assistant.identity.kinds import KINDS
from assistant.identity.models import ExternalIdentity, IdentityProvider, ProviderSession, StartedSignIn
from assistant.identity.providers import require_open
from assistant.identity.refusals import Refusal, Refused
from assistant.identity.started import (
    BROWSER_COOKIE,
    LIFE,
    Purpose,
    Wish,
    begin,
    belongs_to,
    look,
    new_word,
    redeem,
)
from assistant.web.connecting import may_connect
from assistant.web.sessions import begin_session

_PURPOSES = {Purpose.PROVE, Purpose.CONNECT, Purpose.TRY}
_TOO_MANY = 429
# By which clocks may differ: a shorter session would end before its first page.
_SHORTEST = timedelta(minutes=1)
LEAVING_COOKIE = "mundap_leaving"  # the name of the request to sign out that is on its way


def wish_of(request: HttpRequest) -> Wish:
    """What the visitor is sent away for: to sign in or, once signed in, to prove themselves or connect."""
    purpose, user = request.GET.get("purpose", ""), request.user
    if purpose == Purpose.CONNECT and not may_connect(request):
        raise Http404
    if purpose in _PURPOSES and isinstance(user, User):
        return Wish(purpose, safe_page(request, request.GET.get("next", "")), user)
    return Wish(next_page=safe_page(request, request.GET.get("next", "")))


@never_cache
@require_GET
def proven(request: HttpRequest) -> HttpResponse:
    """The end of a proof that was asked for in a window of its own."""
    return render(request, "web/proven.html")


def safe_page(request: HttpRequest, target: str) -> str:
    """The page if it is one of this site, else nothing. An address without its first slash is none.

    Django takes such a one for the name of a view, and what is no name either ends in an error.
    """
    safe = (
        target.startswith("/")
        and not any(sign.isspace() for sign in target)
        and url_has_allowed_host_and_scheme(
            target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
    )
    return target if safe else ""


def site_of(request: HttpRequest) -> str:
    """Scheme and host of this site as the browser sees them, without a slash at the end."""
    return f"{request.scheme}://{request.get_host()}"


def send_away(
    provider: IdentityProvider, wish: Wish, *, to: str, sent: str, kept: Mapping[str, Json] | None = None
) -> HttpResponse:
    """The browser goes to the provider, with a cookie that only our pages get back."""
    browser = new_word()
    begin(provider, wish, sent=sent, browser=browser, kept=kept)
    response = HttpResponse(status=302, headers={"Location": to})
    # Lax: it goes along when another site leads the browser back by a link.
    cookies.keep(response, BROWSER_COOKIE, browser, life_s=int(LIFE.total_seconds()))
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def finish(request: HttpRequest, ticket: str) -> HttpResponseBase:
    """The browser is back, and what it brought was verified. A ticket is good once, for a minute.

    Where the provider began by itself no browser was sent away: the person is asked first, so that no other
    site signs them in as somebody else.
    """
    started = look(ticket)
    if started is None:
        return apology(request, gettext("That took too long, or the page was opened twice. Sign in again."))
    if started.browser:
        if not belongs_to(started, cookies.kept_in(request, BROWSER_COOKIE)):
            return apology(
                request, gettext("This sign-in was begun in another browser. Begin it again in this one.")
            )
        if started.purpose == Purpose.TRY:  # looked at by who manages sign-in, and never a session
            return redirect("console:identity-tried", ticket=ticket)
    elif request.method != "POST":
        name = str((started.claims or {}).get("email", ""))
        return render(request, "web/sign_in_confirm.html", {"provider": started.provider, "email": name})
    claims = redeem(started)
    if claims is None:
        return apology(request, gettext("That took too long, or the page was opened twice. Sign in again."))
    try:
        with transaction.atomic():
            return _done(request, started, claims)
    except Refused as refused:
        note_refusal(started.provider, claims, refused)
        return refusal_page(request, started.provider)


def leave(request: HttpRequest) -> HttpResponse | None:
    """A page that leads the browser on to sign out at the provider, too. None: no provider wants that.

    Call before the session ends; it must end all the same. A page and not a redirect, since a browser does
    not follow what answers a form to another site (form-action).
    """
    session = (
        ProviderSession.objects.filter(session__session_key=request.session.session_key or "")
        .select_related("identity__provider")
        .first()
    )
    kind = KINDS.get(session.identity.provider.kind) if session is not None else None
    if session is None or kind is None:
        return None
    leaving = kind.leaving(session, site_of(request))
    if leaving is None:
        return None
    provider = session.identity.provider.name
    response = render(request, "web/signing_out.html", {"provider": provider, "to": leaving.to})
    cookies.keep(response, LEAVING_COOKIE, leaving.sent, life_s=int(LIFE.total_seconds()))
    return response


def tie_to(
    request: HttpRequest,
    identity: ExternalIdentity,
    *,
    index: str = "",
    kept: Mapping[str, Json] | None = None,
) -> None:
    """Say that this session came of the provider: it ends when the provider or the person ends that.

    Raises:
        PermissionDenied: the provider was closed a moment ago, which ended all its other sessions.
    """
    with transaction.atomic():
        try:
            require_open(identity.provider_id)
        except NotFound as closed:
            request.session.flush()
            raise PermissionDenied from closed
        request.session.save()
        session = SignedInSession.objects.get(session_key=request.session.session_key)
        ProviderSession.objects.create(session=session, identity=identity, index=index, kept=dict(kept or {}))


def apology(request: HttpRequest, sentence: str, *, status: int = 400) -> HttpResponse:
    """A sign-in that came to nothing, with a way to begin again."""
    return render(request, "web/sign_in_failed.html", {"sentence": sentence}, status=status)


def too_many(request: HttpRequest, held: throttle.Held) -> HttpResponse:
    """More sign-ins were begun from this network, or messages refused, than are taken at once."""
    sentence = gettext("Too many sign-ins were begun from your network. Wait a moment, then try again.")
    response = apology(request, sentence, status=_TOO_MANY)
    response.headers["Retry-After"] = str(held.wait_s or 1)
    return response


def note_refusal(provider: IdentityProvider, claims: Claims, refused: Refused) -> None:
    """Say in the audit log why somebody was not let in."""
    who = known_as_address(claims.email)
    record(Event.IDENTITY_REFUSED, actor=who, provider=provider.slug, reason=str(refused.refusal))


def refusal_page(request: HttpRequest, provider: IdentityProvider) -> HttpResponse:
    """The provider knows the person, Mundap does not let them in. Why is said to administrators only."""
    sentence = gettext(
        "%(provider)s knows you, but you have no access to Mundap. Ask your administrator: the audit log "
        "says why."
    ) % {"provider": provider.name}
    return apology(request, sentence, status=403)


def _done(request: HttpRequest, started: StartedSignIn, claims: Claims) -> HttpResponseBase:
    after = started.next_page or resolve_url(settings.LOGIN_REDIRECT_URL)
    if started.purpose == Purpose.SIGN_IN:
        user, identity = admit(started.provider, claims)
        sign_in_from(request, user, identity, claims)
        return redirect(after)
    if not started.provider.is_open:  # it was closed while the browser was away
        raise Refused(Refusal.PROVIDER_CLOSED)
    person = request.user
    if not isinstance(person, User) or person.pk != started.user_id:
        return apology(request, gettext("You were signed out meanwhile. Sign in again."))
    if started.purpose == Purpose.CONNECT:
        connect(started.provider, claims, user=person)
    elif not ExternalIdentity.objects.filter(
        provider=started.provider, subject=claims.subject, user=person
    ).exists():
        return apology(
            request, gettext("That was another account of the provider. Nothing was done."), status=403
        )
    proof.renew(request.session)
    return redirect(after)


def sign_in_from(request: HttpRequest, user: User, identity: ExternalIdentity, claims: Claims) -> None:
    """A session of this person, tied to the provider's own, so that the provider can end it; it is over no
    later than the provider says."""
    ends_at = claims.session_ends_at
    if ends_at is not None:
        ends_at = max(ends_at, timezone.now() + _SHORTEST)
    halfway.forget(request.session)
    begin_session(request, user, Way.PROVIDER, ends_at=ends_at)
    tie_to(request, identity, index=claims.session, kept=claims.kept)
    record(Event.SIGNED_IN, actor_id=user.pk, actor=user.email, provider=identity.provider.slug)
