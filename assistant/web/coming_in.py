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
from assistant.identity.models import ExternalIdentity
from assistant.web.company_sign_in import tie_to
from assistant.web.sessions import begin_session

DEVICE_COOKIE = "mundap_device"


def after_right_password(
    request: HttpRequest, user: User, next_page: str, *, identity: ExternalIdentity | None = None
) -> HttpResponse:
    """In, or on to the second factor, or to setting one up. `identity`: whose password a directory keeps."""
    step = after_password(user)
    if step is Next.COME_IN:
        ways = [Way.PASSWORD]
        if identity is not None:
            ways.append(Way.DIRECTORY)
        if must_have(user):  # who must have a factor and is not asked for one has said "later"
            ways.append(Way.LATER)
        come_in(request, user, *ways, identity=identity)
        return remember_device(redirect(next_page), user)
    halfway.begin(request.session, user, next_page=next_page, identity=identity)
    return redirect("web:second-step" if step is Next.SHOW else "web:set-up-factor")


def come_in(request: HttpRequest, user: User, *ways: Way, identity: ExternalIdentity | None = None) -> None:
    """A session of this person, who showed this. Nothing of the way here stays in it.

    `identity`: by which directory they came; the session ends when they are not known by it any more.
    """
    halfway.forget(request.session)
    pending.forget(request.session)
    begin_session(request, user, *ways)
    came_by: dict[str, str] = {}
    if identity is not None:
        tie_to(request, identity)
        came_by["provider"] = identity.provider.slug
    record(Event.SIGNED_IN, actor_id=user.pk, actor=user.email, ways=", ".join(ways), **came_by)


def remember_device(response: HttpResponse, user: User) -> HttpResponse:
    """Leave a word that spares this browser the waiting for what strangers do (see `known_devices`)."""
    cookies.keep(response, DEVICE_COOKIE, device_word(user.email), life_s=LIFE_S)
    return response
