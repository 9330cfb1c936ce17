"""The page "Sign-in and security": a person's password, passkeys, authenticator app and recovery codes."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistant.access.viewer import viewer_for
from assistant.accounts import local_sign_in
from assistant.accounts.devices import NAMES, browser_and_system
from assistant.accounts.models import User
from assistant.accounts.proof import is_recent
from assistant.accounts.sessions import end_other_sessions
from assistant.accounts.throttle import Held
from assistant.audit.origin import address_of
from assistant.common.errors import NotFound, UsageError
from assistant.factors import app_codes, passkeys, passwords, pending, recovery
from assistant.factors.asking_again import held_words
from assistant.factors.models import AuthenticatorApp, Passkey
from assistant.factors.requests import site_of
from assistant.factors.rule import Way, has_any, must_have, note, noted
from assistant.web.conversations import rail
from assistant.web.proving import proven_first
from assistant.web.setting_up import app_context, made_passkey, not_made, shown_codes, wrong_code
from assistant.web.signed_in import PersonRequest, for_people

_UNFIT, _TOO_MANY = 422, 429


@require_GET
@for_people
def overview(request: PersonRequest) -> HttpResponse:
    """What there is, and the ways to change it."""
    return _overview(request)


@sensitive_post_parameters("old", "new", "again")
@require_http_methods(["GET", "POST"])
@for_people
def password(request: PersonRequest) -> HttpResponse:
    """Choose another password. The old one is asked for here, so nothing needs to be proven before."""
    user = request.user
    if not local_sign_in.has_password(user) or user.is_emergency:
        raise NotFound("This account has no password that is changed here.")
    if request.method != "POST":
        return _password_page(request)
    new = request.POST.get("new", "")
    if new != request.POST.get("again", ""):
        wrong = {"again": [gettext("The two don’t match. Enter the new password twice.")]}
        return _password_page(request, wrong=wrong)
    try:
        outcome = passwords.change(
            user=user,
            old=request.POST.get("old", ""),
            new=new,
            address=address_of(request),
            key=request.session.session_key,
        )
    except passwords.SameAsBefore:
        return _password_page(request, wrong={"new": [gettext("That is your password now. Choose another.")]})
    except passwords.Unfit as unfit:
        return _password_page(request, wrong={"new": unfit.reasons})
    if isinstance(outcome, Held):
        response = _password_page(request, wrong={"old": [held_words(outcome)]}, status=_TOO_MANY)
        response.headers["Retry-After"] = str(outcome.retry_after_s)
        return response
    if not outcome:
        return _password_page(
            request, wrong={"old": [gettext("The password isn’t right. Nothing was changed.")]}
        )
    update_session_auth_hash(request, user)
    return _overview(request, done=gettext("Your password is changed. You were signed out everywhere else."))


@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
@for_people
@proven_first
def app(request: PersonRequest) -> HttpResponse:
    """Set up an authenticator app, or another one in place of it."""
    user = _local(request)
    if request.method != "POST":
        return _app_page(request)
    secret = pending.pending_secret(request.session, user)
    had_any = has_any(user)
    if not app_codes.set_up(user=user, secret=secret, code=request.POST.get("code", "")[:100]):
        return _app_page(request, failure=wrong_code())
    pending.forget(request.session)
    return _set_up(request, Way.CODE, had_any=had_any)


@require_POST
@for_people
@proven_first
def remove_app(request: PersonRequest) -> HttpResponse:
    """No app any more, unless it is the last factor of who must have one."""
    user = request.user
    if must_have(user) and not Passkey.objects.filter(user=user).exists():
        return _overview(request, failure=_needed(), status=_UNFIT)
    app_codes.remove(user=user)
    return redirect("web:security")


@require_POST
@for_people
@proven_first
def new_recovery_codes(request: PersonRequest) -> HttpResponse:
    """Ten new ones; those of before are good for nothing."""
    if not has_any(request.user) or request.user.is_emergency:
        raise NotFound("There is nothing to recover.")
    return shown_codes(request, recovery.renew(user=request.user), resolve_url("web:security"))


@sensitive_post_parameters("passkey")
@require_POST
@for_people
@proven_first
def add_passkey(request: PersonRequest) -> HttpResponse:
    """One more passkey."""
    had_any = has_any(_local(request))
    if not made_passkey(request, request.user):
        return _overview(request, failure=not_made(), status=_UNFIT)
    return _set_up(request, Way.PASSKEY, had_any=had_any)


@require_POST
@for_people
@proven_first
def rename_passkey(request: PersonRequest, passkey: str) -> HttpResponse:
    """Call it otherwise: devices are told apart by their names only."""
    try:
        passkeys.rename(user=request.user, handle=passkey, name=request.POST.get("name", ""))
    except UsageError:
        return _overview(request, failure=gettext("Enter a name for the passkey."), status=_UNFIT)
    return redirect("web:security")


@require_POST
@for_people
@proven_first
def remove_passkey(request: PersonRequest, passkey: str) -> HttpResponse:
    """It signs nobody in any more, unless it is the last factor of who must have one."""
    user = request.user
    others = Passkey.objects.filter(user=user).exclude(handle=passkey).exists()
    if must_have(user) and not others and not AuthenticatorApp.objects.filter(user=user).exists():
        own = Passkey.objects.filter(user=user, handle=passkey).exists()
        if own:
            return _overview(request, failure=_needed(), status=_UNFIT)
    passkeys.remove(user=user, handle=passkey)
    return redirect("web:security")


def _set_up(request: PersonRequest, way: Way, *, had_any: bool) -> HttpResponse:
    """With the first factor come recovery codes, and sessions that were begun with less end."""
    user = request.user
    note(request.session, [Way(one) for one in noted(request.session) | {way}])
    if had_any:
        return redirect("web:security")
    end_other_sessions(user_id=user.pk, key=request.session.session_key, actor=user.email)
    return shown_codes(request, recovery.renew(user=user), resolve_url("web:security"))


def _local(request: PersonRequest) -> User:
    """The person, if this is where they sign in: who comes from a provider shows there what it asks for.

    Raises:
        NotFound: they come from a provider.
    """
    if not _is_local(request):
        raise NotFound("This account signs in elsewhere.")
    return request.user


def _is_local(request: PersonRequest) -> bool:
    """Nothing of an emergency account is changed in a page."""
    if request.user.is_emergency:
        return False
    return local_sign_in.has_password(request.user) or Way.PASSWORD in noted(request.session)


def _needed() -> str:
    return gettext("Your account needs a second factor. Set up another one before you remove the last.")


def _overview(
    request: PersonRequest, *, done: str = "", failure: str = "", status: int = 200
) -> HttpResponse:
    user = request.user
    browser, system = browser_and_system(request.headers.get("User-Agent", ""))
    context = {
        "done": done,
        "failure": failure,
        "is_local": _is_local(request),
        "is_proven": is_recent(request.session),
        "has_password": local_sign_in.has_password(user) and not user.is_emergency,
        "app": AuthenticatorApp.objects.filter(user=user).first(),
        "keys": list(Passkey.objects.filter(user=user).order_by("made_at", "pk")),
        "codes_left": recovery.left(user=user),
        "has_any": has_any(user),
        "site": site_of(request),
        "device": " · ".join(name for name in (NAMES.get(browser, ""), NAMES.get(system, "")) if name),
        **rail(viewer_for(user)),
    }
    return render(request, "web/factors.html", context, status=status)


def _app_page(request: PersonRequest, *, failure: str = "") -> HttpResponse:
    user = request.user
    context = {"failure": failure, **app_context(request, user), **rail(viewer_for(user))}
    return render(request, "web/factors_app.html", context, status=_UNFIT if failure else 200)


def _password_page(
    request: PersonRequest, *, wrong: dict[str, list[str]] | None = None, status: int = _UNFIT
) -> HttpResponse:
    context = {
        "wrong": wrong or {},
        "length": settings.MUNDAP_PASSWORD_LENGTH,
        **rail(viewer_for(request.user)),
    }
    return render(request, "web/password.html", context, status=status if wrong else 200)
