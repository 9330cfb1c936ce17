"""From the right password, or a passkey, to a session."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from assistant.accounts import cookies
from assistant.accounts.known_devices import LIFE_S, device_word
from assistant.accounts.models import User
from assistant.audit.trail import Event, record
from assistant.factors import halfway, pending
from assistant.factors.rule import Next, Way, after_password, must_have
from assistant.web.sessions import begin_session

DEVICE_COOKIE = "mundap_device"


def after_right_password(request: HttpRequest, user: User, next_page: str) -> HttpResponse:
    """In, or on to the second factor, or to setting one up."""
    step = after_password(user)
    if step is Next.COME_IN:
        # Who must have a factor and is not asked for one has said "later".
        come_in(request, user, Way.PASSWORD, *([Way.LATER] if must_have(user) else []))
        return remember_device(redirect(next_page), user)
    halfway.begin(request.session, user, next_page=next_page)
    return redirect("web:second-step" if step is Next.SHOW else "web:set-up-factor")


def after_directory(request: HttpRequest, user: User, next_page: str) -> HttpResponse:
    """As after the right password: a directory asks for no more than one.

    Who came in by it keeps that session only if nothing else is wanted of them.
    """
    step = after_password(user)
    if step is Next.COME_IN:
        return remember_device(redirect(next_page), user)
    halfway.begin(request.session, user, next_page=next_page, by_directory=True)
    return redirect("web:second-step" if step is Next.SHOW else "web:set-up-factor")


def come_in(request: HttpRequest, user: User, *ways: Way) -> None:
    """A session of this person, who showed this. Nothing of the way here stays in it."""
    halfway.forget(request.session)
    pending.forget(request.session)
    begin_session(request, user, *ways)
    record(Event.SIGNED_IN, actor_id=user.pk, actor=user.email, ways=", ".join(ways))


def remember_device(response: HttpResponse, user: User) -> HttpResponse:
    """Leave a word that spares this browser the waiting for what strangers do (see `known_devices`)."""
    cookies.keep(response, DEVICE_COOKIE, device_word(user.email), life_s=LIFE_S)
    return response
