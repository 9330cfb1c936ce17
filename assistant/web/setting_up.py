"""A second factor is set up right after the password, before anything else: a passkey or an app."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from assistant.accounts.models import User
from assistant.accounts.sessions import end_other_sessions
from assistant.audit.trail import Event, record
from assistant.factors import app_codes, halfway, passkeys, recovery
from assistant.factors.challenges import Purpose
from assistant.factors.models import Postponement
from assistant.factors.pending import pending_secret
from assistant.factors.requests import shown_in, site_of, word_of
from assistant.factors.rule import Next, Way, after_password, may_postpone
from assistant.web.coming_in import come_in, remember_device
from assistant.web.qr import squares

_UNFIT = 422


@sensitive_post_parameters("code", "passkey")
@never_cache
@require_http_methods(["GET", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Nobody is signed in until it is done. Then they are, and see their recovery codes once."""
    half = halfway.who(request.session)
    if half is None or after_password(half.user) is not Next.SET_UP:
        return redirect("web:sign-in")
    user = half.user
    if request.method != "POST":
        return _page(request, user)
    if "passkey" in request.POST:
        if not made_passkey(request, user):
            return _page(request, user, failure={"passkey": not_made()}, status=_UNFIT)
        way = Way.PASSKEY
    else:
        secret = pending_secret(request.session, user)
        if not app_codes.set_up(user=user, secret=secret, code=request.POST.get("code", "")[:100]):
            return _page(request, user, failure={"code": wrong_code()}, status=_UNFIT)
        way = Way.CODE
    codes = recovery.renew(user=user)
    come_in(request, user, *half.ways, way)
    # Others of this person were begun with less.
    end_other_sessions(user_id=user.pk, key=request.session.session_key, actor=user.email)
    return remember_device(shown_codes(request, codes, half.next_page or resolve_url("web:home")), user)


@never_cache
@require_POST
def later(request: HttpRequest) -> HttpResponse:
    """On a demo on this very machine one may look around first. It is asked once."""
    half = halfway.who(request.session)
    if half is None or after_password(half.user) is not Next.SET_UP or not may_postpone(half.user):
        return redirect("web:sign-in")
    user = half.user
    Postponement.objects.get_or_create(user=user)
    record(Event.SECOND_FACTOR_POSTPONED, actor_id=user.pk, actor=user.email)
    come_in(request, user, *half.ways, Way.LATER)
    return remember_device(redirect(half.next_page or resolve_url("web:home")), user)


def made_passkey(request: HttpRequest, user: User) -> bool:
    """Keep the passkey that a form brings for this person. False: it could not be used."""
    site = site_of(request)
    try:
        if site is None:
            raise passkeys.Unusable("No passkeys on this site.")
        asked = passkeys.Asked(Purpose.ENROL, word_of(request), user)
        passkeys.make(site, asked, shown_in(request, "passkey"), name=request.POST.get("name", ""))
    except passkeys.Unusable:
        return False
    return True


def shown_codes(request: HttpRequest, codes: tuple[str, ...], next_page: str) -> HttpResponse:
    """The one page that shows recovery codes."""
    return render(request, "web/factors_codes.html", {"codes": codes, "next": next_page})


def app_context(request: HttpRequest, user: User) -> dict[str, object]:
    """What the page shows of an app that is being set up: the QR code and the key to type."""
    secret = pending_secret(request.session, user)
    key = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return {"qr": squares(app_codes.address_for_app(secret, user)), "key": key}


def wrong_code() -> str:
    """The first code of an app did not fit."""
    return gettext("That isn’t the code that your app shows now. Wait for the next one and enter it.")


def not_made() -> str:
    """A passkey could not be kept."""
    return gettext("The passkey could not be set up. Try again, or take an authenticator app.")


def _page(
    request: HttpRequest, user: User, *, failure: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "failure": failure or {},
        "email": user.email,
        "may_postpone": may_postpone(user),
        "passkeys": site_of(request) is not None,
        **app_context(request, user),
    }
    return render(request, "web/factors_set_up.html", context, status=status)
