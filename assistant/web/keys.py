"""The page of a person's own keys for the API: which there are, a new one, and the end of one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from assistant.access.viewer import viewer_for
from assistant.accounts.api_keys import (
    LONGEST_NAME,
    MOST_KEYS,
    issue_key,
    revoke_key,
    working_keys_of,
)
from assistant.accounts.proof import is_recent
from assistant.accounts.roles import Right
from assistant.accounts.scopes import Scope
from assistant.accounts.throttle import Held
from assistant.audit.origin import address_of
from assistant.factors.rule import has_any
from assistant.factors.showing import Proof, prove
from assistant.web.conversations import rail
from assistant.web.signed_in import PersonRequest, for_people

LIVES = (7, 30, 90, 365)  # days
_USUAL_LIFE = 90
_USUAL_SCOPES = frozenset({Scope.SEARCH, Scope.DOCUMENTS, Scope.ASK})
_A_DAY_S = 24 * 3600
_WRONG, _TOO_MANY = 422, 429
WORDS: dict[Scope, str | Promise] = {
    Scope.SEARCH: pgettext_lazy("what a key may do", "Search"),
    Scope.DOCUMENTS: pgettext_lazy("what a key may do", "Read documents"),
    Scope.ASK: pgettext_lazy("what a key may do", "Ask questions"),
    Scope.PERMISSIONS: pgettext_lazy("what a key may do", "Inspect permissions"),
}


@dataclass(slots=True)
class KeyForm:
    """What was typed for a new key. `wrong`: by field, what is wrong with it."""

    name: str = ""
    days: int = _USUAL_LIFE
    scopes: frozenset[Scope] = _USUAL_SCOPES
    wrong: dict[str, str] = field(default_factory=dict)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@for_people
def keys(request: PersonRequest) -> HttpResponseBase:
    """The person's keys that work. POST makes another one, whose text is shown this once."""
    if request.method == "GET":
        return _page(request, KeyForm())
    form = _typed(request)
    if form.wrong:
        return _page(request, form, status=_WRONG)
    if (refusal := _not_proven(request, form)) is not None:
        return refusal
    new = issue_key(
        user_id=request.user.pk,
        name=form.name,
        days=form.days,
        scopes=form.scopes,
        actor=request.user.email,
    )
    return _page(request, KeyForm(), made=new.text)


@require_POST
@for_people
def revoke(request: PersonRequest, key_id: int) -> HttpResponseBase:
    """End one of the person's own keys."""
    revoke_key(key_id=key_id, user_id=request.user.pk, actor=request.user.email)
    return redirect("web:keys")


def offered_scopes(request: PersonRequest) -> tuple[Scope, ...]:
    """What the person's keys can be for; to inspect permissions only for who may."""
    may_inspect = request.user.has_right(Right.INSPECT_PERMISSIONS)
    return tuple(scope for scope in Scope if scope is not Scope.PERMISSIONS or may_inspect)


def _typed(request: PersonRequest) -> KeyForm:
    offered = offered_scopes(request)
    chosen = request.POST.getlist("scope")
    days = request.POST.get("days", "")
    form = KeyForm(
        name=" ".join(request.POST.get("name", "").split()),
        days=int(days) if days in map(str, LIVES) else _USUAL_LIFE,
        scopes=frozenset(scope for scope in offered if scope in chosen),
    )
    if not form.name or len(form.name) > LONGEST_NAME:
        form.wrong["name"] = gettext("Write what the key is for, in at most %(n)s characters.") % {
            "n": LONGEST_NAME
        }
    if not form.scopes:
        form.wrong["scope"] = gettext("Choose what the key may do.")
    if days not in map(str, LIVES):
        form.wrong["days"] = gettext("Choose one of the times in the list.")
    if request.user.is_emergency:
        form.wrong[""] = gettext("The emergency account has no keys: they would outlive its session.")
    if len(working_keys_of(user_id=request.user.pk)) >= MOST_KEYS:
        form.wrong[""] = gettext("You have %(n)s keys that work. Revoke one first.") % {"n": MOST_KEYS}
    return form


def _not_proven(request: PersonRequest, form: KeyForm) -> HttpResponse | None:
    """The page again if neither the session nor what was entered proves who this is."""
    if is_recent(request.session):
        return None
    entered = Proof(request.POST.get("password", ""), request.POST.get("code", "")[:100], address_of(request))
    outcome = prove(user=request.user, entered=entered, session=request.session)
    if isinstance(outcome, Held):
        wait_s = _A_DAY_S if outcome.wait_s is None else outcome.wait_s
        minutes = math.ceil(wait_s / 60)
        form.wrong["password"] = gettext(
            "Too many wrong passwords were entered. Wait %(n)s min, then try again."
        ) % {"n": minutes}
        response = _page(request, form, status=_TOO_MANY)
        response.headers["Retry-After"] = str(wait_s)
        return response
    if not outcome:
        form.wrong["password"] = (
            gettext("The password or the code isn’t right. Nothing was done yet.")
            if has_any(request.user)
            else gettext("The password isn’t right. Nothing was done yet.")
        )
        return _page(request, form, status=_WRONG)
    return None


def _page(request: PersonRequest, form: KeyForm, *, made: str = "", status: int = 200) -> HttpResponse:
    context = {
        "keys": [
            (key, [WORDS[scope] for scope in key.scopes]) for key in working_keys_of(user_id=request.user.pk)
        ],
        "form": form,
        "scopes": [(scope, WORDS[scope], scope in form.scopes) for scope in offered_scopes(request)],
        "lives": [
            (days, ngettext("%(n)s day", "%(n)s days", days) % {"n": days}, days == form.days)
            for days in LIVES
        ],
        "asks_password": not is_recent(request.session),
        "asks_code": not is_recent(request.session) and has_any(request.user),
        "longest_name": LONGEST_NAME,
        "made": made,
        **rail(viewer_for(request.user)),
    }
    return render(request, "web/keys.html", context, status=status)
