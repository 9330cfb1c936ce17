"""After the right password: the code of an app, a recovery code or a passkey. Or a passkey alone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from assistant.accounts import local_sign_in
from assistant.accounts.models import User
from assistant.accounts.throttle import Held, challenge_asked
from assistant.audit.origin import address_of
from assistant.audit.trail import Event, record
from assistant.factors import halfway, passkeys
from assistant.factors.asking_again import held_words
from assistant.factors.challenges import Purpose
from assistant.factors.models import AuthenticatorApp, Passkey
from assistant.factors.requests import shown_in, site_of, word_of
from assistant.factors.rule import Next, Way, after_password
from assistant.factors.showing import try_code
from assistant.web.coming_in import come_in, remember_device
from assistant.web.company_sign_in import apology, safe_page, too_many

_UNFIT, _TOO_MANY = 422, 429


@sensitive_post_parameters("code", "passkey")
@never_cache
@require_http_methods(["GET", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """Only for a browser in which the password was right within ten minutes; every other one begins anew."""
    half = halfway.who(request.session)
    if half is None or after_password(half.user) is not Next.SHOW:
        return redirect("web:sign-in")
    if request.method != "POST":
        return _page(request, half.user)
    user = half.user
    if "passkey" in request.POST:
        if not _is_shown(request, user):
            return _page(request, user, failure=_no_passkey(), status=_UNFIT)
        way: Way = Way.PASSKEY
    else:
        outcome = try_code(user=user, code=request.POST.get("code", "")[:100], address=address_of(request))
        if isinstance(outcome, Held):
            response = _page(request, user, failure=held_words(outcome), status=_TOO_MANY)
            response.headers["Retry-After"] = str(outcome.retry_after_s)
            return response
        if outcome is None:
            failure = gettext("The code isn’t right, or it was used before. Wait for the next one.")
            return _page(request, user, failure=failure, status=_UNFIT)
        way = outcome
    come_in(request, user, *half.ways, way, identity=half.identity)
    return remember_device(redirect(half.next_page or resolve_url("web:home")), user)


@sensitive_post_parameters("passkey")
@never_cache
@require_POST
def by_passkey(request: HttpRequest) -> HttpResponse:
    """Sign in with a passkey alone. The device says who it is, after it saw a finger, a face or a PIN."""
    after = safe_page(request, request.POST.get("next", "")) or resolve_url("web:home")
    if request.user.is_authenticated:
        return redirect(after)
    site = site_of(request)
    try:
        if site is None:
            raise passkeys.Unusable("No passkeys on this site.")
        user = passkeys.show(
            site, passkeys.Asked(Purpose.SIGN_IN, word_of(request)), shown_in(request, "passkey")
        )
    except passkeys.Unusable:
        if (held := challenge_asked(address=address_of(request))) is not None:
            return too_many(request, held)  # nor does the audit log grow by it
        record(Event.SIGN_IN_FAILED, ways=Way.PASSKEY)
        return apology(request, _no_passkey(), status=_UNFIT)
    if not local_sign_in.has_password(user):
        # A directory or a provider keeps this account, and must be asked whether it still does.
        record(Event.SIGN_IN_FAILED, actor_id=user.pk, actor=user.email, ways=Way.PASSKEY)
        return apology(
            request, gettext("This account signs in with the company’s sign-in first."), status=_UNFIT
        )
    come_in(request, user, Way.PASSKEY)
    return remember_device(redirect(after), user)


def _is_shown(request: HttpRequest, user: User) -> bool:
    site = site_of(request)
    if site is None:
        return False
    try:
        passkeys.show(
            site, passkeys.Asked(Purpose.SECOND, word_of(request), user), shown_in(request, "passkey")
        )
    except passkeys.Unusable:
        record(Event.SECOND_FACTOR_FAILED, actor_id=user.pk, actor=user.email)
        return False
    return True


def _page(request: HttpRequest, user: User, *, failure: str = "", status: int = 200) -> HttpResponse:
    site = site_of(request)
    context = {
        "failure": failure,
        "email": user.email,
        "is_emergency": user.is_emergency,
        "has_app": AuthenticatorApp.objects.filter(user=user).exists(),
        "has_passkey": site is not None and Passkey.objects.filter(user=user, site=site.name).exists(),
    }
    return render(request, "web/factors_second_step.html", context, status=status)


def _no_passkey() -> str:
    return gettext("No passkey of yours could be used here. Try again, or choose another way.")
