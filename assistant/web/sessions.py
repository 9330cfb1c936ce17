"""The page "Where you are signed in", and what a session knows of itself from its beginning on."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from django.contrib.auth import login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from assistant.access.viewer import viewer_for
from assistant.accounts import emergency, proof, sessions
from assistant.accounts.devices import NAMES, browser_and_system
from assistant.accounts.models import User
from assistant.accounts.session_store import about_key, describe
from assistant.audit.origin import address_of
from assistant.factors.rule import Way, note
from assistant.identity.connected import connected, not_connected
from assistant.identity.kinds import KINDS
from assistant.slackbot.selectors import identities_of
from assistant.web.connecting import connect_word
from assistant.web.conversations import rail
from assistant.web.signed_in import PersonRequest, for_people


def begin_session(request: HttpRequest, user: User, *ways: Way, ends_at: datetime | None = None) -> None:
    """Sign the person in: a new key, what they showed, and what the page says of this session later.

    `ends_at`: when it ends at the latest, however much it is used; None: as any other. With an emergency
    account it is short, and everybody who manages people is told.

    Raises:
        PermissionDenied: a service account, which no way may ever lead to here.
    """
    if user.is_service:
        raise PermissionDenied
    if user.is_emergency:
        latest = timezone.now() + emergency.SESSION_LIFE
        ends_at = latest if ends_at is None else min(ends_at, latest)
    login(request, user)
    note(request.session, ways)
    browser, system = browser_and_system(request.headers.get("User-Agent", ""))
    request.session[about_key()] = describe(
        browser=browser, system=system, address=address_of(request), ends_at=ends_at
    )
    if user.is_emergency:
        emergency.note_use(user=user, address=address_of(request), browser=browser, system=system)


@require_GET
@for_people
def session_list(request: PersonRequest) -> HttpResponse:
    """This device first, then the others, each with a way to end it."""
    shown = sessions.sessions_of(user_id=request.user.pk, key=request.session.session_key)
    query = urlencode(
        {"purpose": "connect", "word": connect_word(request), "next": resolve_url("web:sessions")}
    )
    context = {
        "sessions": [(one, NAMES.get(one.browser, ""), NAMES.get(one.system, "")) for one in shown],
        "identities": connected(request.user.pk),
        "connectable": [
            (one.name, f"{resolve_url(KINDS[one.kind].route, slug=one.slug)}?{query}")
            for one in not_connected(request.user.pk)
        ],
        "may_connect": proof.is_recent(request.session),
        "slack": identities_of(request.user.pk),
        "slack_is_new": request.GET.get("connected") == "slack",
        "has_others": any(not one.is_this for one in shown),
        **rail(viewer_for(request.user)),
    }
    return render(request, "web/sessions.html", context)


@require_POST
@for_people
def end(request: PersonRequest, handle: str) -> HttpResponseBase:
    """End one session of the person's own. That of this device: they are signed out."""
    sessions.end_session(user_id=request.user.pk, handle=handle, actor=request.user.email)
    return redirect("web:sessions")


@require_POST
@for_people
def end_others(request: PersonRequest) -> HttpResponseBase:
    """End every session but this one."""
    sessions.end_other_sessions(
        user_id=request.user.pk, key=request.session.session_key, actor=request.user.email
    )
    return redirect("web:sessions")
