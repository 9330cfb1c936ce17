"""Signing in and out, and the language of the pages."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from assistant.accounts.models import User
from assistant.audit.trail import Event, record
from assistant.common.errors import UsageError
from assistant.web.signed_in import PersonRequest, for_people

_LONGEST_ADDRESS = 254
_LONGEST_PASSWORD = 1_024  # hashing more than this would only cost time
_A_YEAR_S = 365 * 24 * 3600


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """One form. A failure says the same and takes as long whether or not the account exists."""
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    address = request.POST.get("email", "").strip()[:_LONGEST_ADDRESS]
    failure = ""
    if request.method == "POST":
        user = _proven(request, address, request.POST.get("password", "")[:_LONGEST_PASSWORD])
        if user is not None:
            login(request, user)
            record(Event.SIGNED_IN, actor_id=user.pk, actor=user.email)
            return redirect(_next(request))
        record(Event.SIGN_IN_FAILED, actor=address)
        failure = gettext("The e-mail address or the password isn't right. Check both and try again.")
    context = {
        "email": address,
        "failure": failure,
        "next": request.POST.get("next") or request.GET.get("next", ""),
    }
    return render(request, "web/sign_in.html", context, status=422 if failure else 200)


@require_POST
@for_people
def sign_out(request: PersonRequest) -> HttpResponseBase:
    """End the session."""
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


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
    """The person, if address and password belong together."""
    try:
        user = authenticate(request, username=address, password=password)
    except UsageError:
        make_password(password)  # what is no address at all takes as long as an unknown one
        return None
    return user if isinstance(user, User) else None


def _next(request: HttpRequest) -> str:
    """Where to go now: only ever a page of this site."""
    target = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if safe else resolve_url(settings.LOGIN_REDIRECT_URL)
