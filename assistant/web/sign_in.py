"""Signing in and out, and the language of the pages."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import authenticate, logout
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from assistant.accounts import cookies, emergency, local_sign_in, throttle
from assistant.accounts.how_long import at_least
from assistant.accounts.known_devices import known_device
from assistant.accounts.models import User
from assistant.accounts.proof import hashable
from assistant.audit.origin import address_of
from assistant.audit.trail import Event, record
from assistant.common.errors import UsageError
from assistant.common.identity import known_as_address
from assistant.factors.requests import site_of
from assistant.identity.kinds import KINDS
from assistant.identity.ldap.asking import OutOfReach, takes_user_names
from assistant.identity.models import IdentityProvider
from assistant.identity.providers import open_providers
from assistant.web.coming_in import DEVICE_COOKIE, after_right_password
from assistant.web.company_sign_in import leave, safe_page
from assistant.web.directory_sign_in import by_directory
from assistant.web.signed_in import PersonRequest, for_people

_LONGEST_ADDRESS = 254
_A_YEAR_S = 365 * 24 * 3600
_TOO_MANY = 429


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """One form. A failure says the same and takes as long whether or not the account exists.

    Each guess is counted before its password is hashed, and after too many there is a wait (see `throttle`).
    The passphrase of an emergency account is too long to be guessed, and nobody can make its holder wait.
    """
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    name = request.POST.get("email", "").strip()[:_LONGEST_ADDRESS]
    if request.method != "POST":
        return _page(request, name)
    password = request.POST.get("password", "")
    in_emergency = emergency.by_passphrase(name=name, passphrase=password)
    if in_emergency is not None:
        return after_right_password(request, in_emergency, _next(request))
    device = known_device(cookies.kept_in(request, DEVICE_COOKIE), name=name)
    tried = throttle.admit(name=name, address=address_of(request), device=device)
    if isinstance(tried, throttle.Held):
        return _held(request, name, tried)
    user = _proven(request, name, password)
    if user is not None:
        throttle.was_right(tried)
        return after_right_password(request, user, _next(request))
    outcome = by_directory(request, name=name, password=password)
    if isinstance(outcome, OutOfReach):
        throttle.was_not_judged(tried)
        return _page(request, name, failure=outcome.sentence, status=503)
    if outcome is None:
        record(Event.SIGN_IN_FAILED, actor=known_as_address(name))
        failure = gettext("The e-mail address or the password isn't right. Check both and try again.")
        return _page(request, name, failure=failure, status=422)
    throttle.was_right(tried)
    if isinstance(outcome, HttpResponse):
        return outcome
    # A directory asks for a password and nothing else.
    return after_right_password(request, outcome.user, _next(request), identity=outcome.identity)


def _page(request: HttpRequest, name: str, *, failure: str = "", status: int = 200) -> HttpResponse:
    next_page = request.POST.get("next") or request.GET.get("next", "")
    only_emergency = local_sign_in.is_for_emergencies()
    providers = open_providers()
    context = {
        "email": name,
        "failure": failure,
        "next": next_page,
        "waits": status == _TOO_MANY,
        "ways": _ways(providers, next_page),
        "passkeys": site_of(request) is not None and not only_emergency,
        "only_emergency": only_emergency,
        # A company's directory takes its passwords in this form, too.
        "for_emergencies": only_emergency and all(KINDS[one.kind].route for one in providers),
        "takes_user_names": takes_user_names(),
    }
    return render(request, "web/sign_in.html", context, status=status)


def _ways(providers: list[IdentityProvider], next_page: str) -> list[tuple[str, str]]:
    """The company's ways to sign in: what stands on each button, and where it leads."""
    query = f"?{urlencode({'next': next_page})}" if next_page else ""
    ways = [(provider, KINDS[provider.kind].route) for provider in providers]
    return [(one.name, resolve_url(route, slug=one.slug) + query) for one, route in ways if route]


def _held(request: HttpRequest, name: str, held: throttle.Held) -> HttpResponse:
    """How long to wait, in words and for programs. The same for an address that nobody has."""
    if held.wait_s is None:
        failure = gettext(
            "Too many wrong passwords were entered for this address, so nobody can sign in to it from a new "
            "device. Use a device on which you have signed in before, or ask your administrator."
        )
    else:
        failure = gettext("Too many wrong passwords were entered. Wait %(time)s, then try again.") % {
            "time": at_least(held.wait_s)
        }
    response = _page(request, name, failure=failure, status=_TOO_MANY)
    response.headers["Retry-After"] = str(held.retry_after_s)
    return response


@require_POST
@for_people
def sign_out(request: PersonRequest) -> HttpResponseBase:
    """End the session; somebody who came from a company's provider signs out there, too."""
    onward = leave(request)
    record(Event.SIGNED_OUT, actor_id=request.user.pk, actor=request.user.email)
    logout(request)
    response = onward or redirect(settings.LOGOUT_REDIRECT_URL)
    # What the browser kept of pages, also those to which one goes "back".
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Choose the language of the pages: kept with the account, and in the browser for the sign-in page."""
    chosen = request.POST.get("language", "")
    response = redirect(_next(request))
    if chosen not in dict(settings.LANGUAGES):
        return response
    if isinstance(request.user, User):
        request.user.language = chosen
        request.user.save(update_fields=["language"])
    translation.activate(chosen)
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        chosen,
        max_age=_A_YEAR_S,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )
    return response


def _proven(request: HttpRequest, address: str, password: str) -> User | None:
    """The person, if address and password belong together, and passwords here count for them.

    Where they count for emergency accounts alone, none is even looked at: a right one takes as long.
    """
    if local_sign_in.is_for_emergencies():
        make_password(hashable(password))
        return None
    try:
        user = authenticate(request, username=address, password=hashable(password))
    except UsageError:
        make_password(hashable(password))  # what is no address at all takes as long as an unknown one
        return None
    return user if isinstance(user, User) else None


def _next(request: HttpRequest) -> str:
    """Where to go now: only ever a page of this site."""
    target = request.POST.get("next") or request.GET.get("next", "")
    return safe_page(request, target) or resolve_url(settings.LOGIN_REDIRECT_URL)
