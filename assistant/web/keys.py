"""The page of a person's own keys for the API: which there are, a new one, and the end of one."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from assistant.access.viewer import viewer_for
from assistant.accounts.api_keys import issue_key, revoke_key, scopes_for, working_keys_of
from assistant.accounts.key_form import KeyForm, read_key_form, scope_words
from assistant.accounts.models import User
from assistant.accounts.roles import Right
from assistant.accounts.scopes import Scope
from assistant.factors.asking_again import PROVING_FIELDS
from assistant.web.conversations import rail
from assistant.web.proving import kept_and_proven
from assistant.web.signed_in import PersonRequest, for_people

_WRONG = 422


# Said by `_make` as well, but the form is read before that: an error there must not report them.
@sensitive_post_parameters(*PROVING_FIELDS)
@require_http_methods(["GET", "POST"])
@for_people
def keys(request: PersonRequest) -> HttpResponseBase:
    """The person's keys that work. POST makes another one, whose text is shown this once."""
    if request.method == "GET":
        return _page(request, KeyForm(offered_scopes(request.user)))
    if not request.POST.keys() & set(PROVING_FIELDS):  # what is wrong is said before anybody is asked
        form = _read(request)
        if form.wrong:
            return _page(request, form, status=_WRONG)
    return _make(request)


@kept_and_proven
def _make(request: PersonRequest) -> HttpResponse:
    form = _read(request)
    if form.wrong:
        return _page(request, form, status=_WRONG)
    new = issue_key(
        user_id=request.user.pk,
        name=form.name,
        days=form.days,
        scopes=form.scopes,
        actor=request.user.email,
    )
    return _page(request, KeyForm(form.offered), made=new.text)


def _read(request: PersonRequest) -> KeyForm:
    working = len(working_keys_of(user_id=request.user.pk))
    form = read_key_form(request.POST, offered=offered_scopes(request.user), working=working)
    if request.user.is_emergency:
        form.wrong[""] = gettext("The emergency account has no keys: they would outlive its session.")
    return form


@require_POST
@for_people
def revoke(request: PersonRequest, key_id: int) -> HttpResponseBase:
    """End one of the person's own keys."""
    revoke_key(key_id=key_id, user_id=request.user.pk, actor=request.user.email)
    return redirect("web:keys")


def offered_scopes(user: User) -> tuple[Scope, ...]:
    """What the person's keys can be for; to inspect permissions only for who may."""
    may_inspect = user.has_right(Right.INSPECT_PERMISSIONS)
    return tuple(scope for scope in scopes_for(user) if scope is not Scope.PERMISSIONS or may_inspect)


def _page(request: PersonRequest, form: KeyForm, *, made: str = "", status: int = 200) -> HttpResponse:
    context = {
        "keys": [
            (key, [scope_words(scope) for scope in key.scopes])
            for key in working_keys_of(user_id=request.user.pk)
        ],
        "form": form,
        "made": made,
        **rail(viewer_for(request.user)),
    }
    return render(request, "web/keys.html", context, status=status)
