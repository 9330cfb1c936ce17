"""Sign-in with OpenID Connect in the browser: there, back, and the provider's word that a session ended."""

from __future__ import annotations

import re

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from assistant.accounts import cookies, throttle
from assistant.accounts.models import User
from assistant.accounts.roles import Right
from assistant.audit.origin import address_of
from assistant.audit.trail import Event, record
from assistant.identity.claims import Claims
from assistant.identity.ending import end_sessions
from assistant.identity.models import IdentityProvider, StartedSignIn
from assistant.identity.oidc import code_flow, leaving
from assistant.identity.oidc.rejections import Reason, Rejected
from assistant.identity.oidc.settings import settings_of
from assistant.identity.spent import spend
from assistant.identity.started import (
    BROWSER_COOKIE,
    Purpose,
    answer_taken,
    belongs_to,
    new_word,
    take,
    waiting,
)
from assistant.web.company_sign_in import LEAVING_COOKIE, apology, send_away, site_of, too_many, wish_of

_KIND = "oidc"
_SAID_ONCE = ("state", "code", "iss", "error")
_STATE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_CODE = 4_000
_LONGEST_TOKEN = 64_000
_LONGEST_DETAIL = 300
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")


@never_cache
@require_GET
def begin(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Send the browser to the provider."""
    provider, wish = _provider(slug), wish_of(request)
    if not provider.is_open and not (wish.purpose == Purpose.TRY and _manages_sign_in(request)):
        raise Http404
    if (held := throttle.arrival(address=address_of(request))) is not None:
        return too_many(request, held)
    state = new_word()
    answer_at = site_of(request) + reverse("web:oidc-callback", args=[provider.slug])
    try:
        departure = code_flow.depart(
            settings_of(provider), state=state, answer_at=answer_at, anew=wish.purpose == Purpose.PROVE
        )
    except Rejected as rejected:
        return _refused(request, provider, rejected)
    return send_away(provider, wish, to=departure.to, sent=state, kept=departure.kept)


@never_cache
@require_GET
@sensitive_variables("claims")
def callback(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The browser is back. What it brought counts once, in this browser, for this provider alone."""
    provider = _provider(slug)
    if any(len(request.GET.getlist(name)) > 1 for name in _SAID_ONCE):
        return _refused(request, provider, Rejected(Reason.MALFORMED))
    state, code = request.GET.get("state", ""), request.GET.get("code", "")
    started = waiting(provider, state) if _STATE.fullmatch(state) else None
    if not provider.is_open and (started is None or started.purpose != Purpose.TRY):
        raise Http404
    if started is None:
        return apology(request, gettext("That took too long, or the page was opened twice. Sign in again."))
    if not belongs_to(started, cookies.kept_in(request, BROWSER_COOKIE)):
        return apology(
            request, gettext("This sign-in was begun in another browser. Begin it again in this one.")
        )
    if not take(started):
        return apology(request, gettext("That took too long, or the page was opened twice. Sign in again."))
    try:
        claims = _claims(request, started, code)
    except Rejected as rejected:
        return _refused(request, provider, rejected)
    return redirect("web:finish-sign-in", ticket=answer_taken(started, claims))


@csrf_exempt
@never_cache
@require_POST
def back_channel(request: HttpRequest, slug: str) -> HttpResponse:
    """The provider says that a session ended there: those that came of it end here, in every process."""
    provider = _provider(slug)
    if not provider.is_open:
        raise Http404
    raw = request.POST.get("logout_token", "")
    try:
        if not 0 < len(raw) <= _LONGEST_TOKEN:
            raise Rejected(Reason.MALFORMED)
        token = leaving.read_logout_token(raw, settings_of(provider))
        with transaction.atomic():
            if not spend(provider.pk, f"logout {token.number}", token.expires_at):
                raise Rejected(Reason.SPENT)
            end_sessions(provider, subject=token.subject, session=token.session)
    except Rejected as rejected:
        if throttle.arrival(address=address_of(request)) is None:
            _note(provider, rejected)
        return _no_store(JsonResponse({"error": "invalid_request"}, status=400))
    return _no_store(HttpResponse(status=200))


@never_cache
@require_GET
def signed_out(request: HttpRequest, slug: str) -> HttpResponse:
    """The browser is back from signing out at the provider; the session here ended before it left."""
    provider, sent = _provider(slug), cookies.kept_in(request, LEAVING_COOKIE)
    everywhere = bool(sent) and constant_time_compare(sent, request.GET.get("state", ""))
    response = render(request, "web/signed_out.html", {"provider": provider.name, "everywhere": everywhere})
    cookies.forget(response, LEAVING_COOKIE)
    return response


def _provider(slug: str) -> IdentityProvider:
    provider = IdentityProvider.objects.filter(slug=slug, kind=_KIND).first()
    if provider is None:
        raise Http404
    return provider


def _manages_sign_in(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.has_right(Right.MANAGE_SIGN_IN)


def _claims(request: HttpRequest, started: StartedSignIn, code: str) -> Claims:
    settings = settings_of(started.provider)
    issuer = request.GET.get("iss")
    code_flow.judge_issuer(settings, issuer)
    error = request.GET.get("error", "")
    if error:
        raise _ErrorOfProvider(error)
    if not 0 < len(code) <= _LONGEST_CODE:
        raise Rejected(Reason.MALFORMED)
    return code_flow.arrive(settings, code_flow.Arriving(code, issuer, started.kept, started.started_at))


class _ErrorOfProvider(Rejected):
    """The provider itself said that it came to nothing."""

    def __init__(self, code: str) -> None:
        super().__init__(Reason.PROVIDER_ERROR)
        self.code = code if _ERROR_CODE.fullmatch(code) else ""


def _refused(request: HttpRequest, provider: IdentityProvider, rejected: Rejected) -> HttpResponse:
    """What the person is told; administrators find the reason in the audit log."""
    _note(provider, rejected)
    if isinstance(rejected, _ErrorOfProvider):
        if rejected.code == "access_denied":
            sentence = gettext("%(provider)s did not let you in, or you stopped there. Sign in again.")
        else:
            sentence = gettext(
                "%(provider)s could not sign you in. Try again; if that does not help, tell your "
                "administrator."
            )
    elif rejected.reason in (Reason.UNREACHABLE, Reason.METADATA):
        sentence = gettext(
            "%(provider)s cannot be reached at the moment, or is not set up rightly. Try again in a few "
            "minutes, or tell your administrator."
        )
    elif rejected.reason == Reason.NOT_AUTHENTICATED_ANEW:
        sentence = gettext("%(provider)s did not ask you to sign in anew. Try again, and sign in there.")
    else:
        sentence = gettext(
            "The answer of %(provider)s could not be verified. Sign in again; if it happens again, tell your "
            "administrator: the audit log says why."
        )
    status = 502 if rejected.reason in (Reason.UNREACHABLE, Reason.METADATA) else 400
    return apology(request, sentence % {"provider": provider.name}, status=status)


def _note(provider: IdentityProvider, rejected: Rejected) -> None:
    detail = rejected.detail[:_LONGEST_DETAIL] or (
        rejected.code if isinstance(rejected, _ErrorOfProvider) else ""
    )
    reason = str(rejected.reason)
    if detail:
        record(Event.IDENTITY_MESSAGE_REFUSED, provider=provider.slug, reason=reason, detail=detail)
    else:
        record(Event.IDENTITY_MESSAGE_REFUSED, provider=provider.slug, reason=reason)


def _no_store(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "no-store"
    return response
