"""Sensitive actions ask again who somebody is, as signing in does, and lose nothing of what was typed.

By the password with a second factor for who has one, or a passkey; or by the company's provider, in a window
of its own, while this one keeps the fields.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters

from assistant.accounts import local_sign_in
from assistant.accounts.proof import is_recent
from assistant.accounts.throttle import Held
from assistant.audit.origin import address_of
from assistant.console.administrators import AdministratorRequest
from assistant.factors.models import Passkey
from assistant.factors.passkeys import Unusable
from assistant.factors.requests import shown_in, site_of, word_of
from assistant.factors.rule import has_any
from assistant.factors.showing import Proof, prove, prove_by_passkey
from assistant.identity.connected import connected

P = ParamSpec("P")
Page = Callable[Concatenate[AdministratorRequest, P], HttpResponse]

_PASSWORD = "proving_password"  # noqa: S105 - the name of a field
_CODE, _PASSKEY = "proving_code", "proving_passkey"
_BY_PROVIDER = "proving_by_provider"  # the person says that they proved themselves in another window
_SHOWN = (_PASSWORD, _CODE, _PASSKEY)
_OWN = (*_SHOWN, _BY_PROVIDER)
_LEFT_OUT = {"csrfmiddlewaretoken", *_OWN}
_A_DAY_S = 24 * 3600
_SHOWN_BY_HTMX = 422  # other refusals it only reports, as templates/base.html tells it


def recently_proven(page: Page[P]) -> Page[P]:
    """The page; its POST only for who proved within half an hour who they are. Stands below `with_right`.

    Others get a form that asks for the password, with a second factor for who has one, or for a passkey. It
    carries all fields along, so that the right answer does at once what was wanted. Works without scripts;
    htmx is told to show it as a page.
    """

    @wraps(page)
    def guarded(request: AdministratorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method != "POST" or is_recent(request.session):
            return page(_cleaned(request), *args, **kwargs)
        if _BY_PROVIDER in request.POST and not (request.POST.get(_PASSWORD) or _PASSKEY in request.POST):
            failure = gettext("You have not signed in anew there yet. Nothing was done.")
            return _asked(request, status=422, failure=failure)
        if not any(name in request.POST for name in _SHOWN):
            return _asked(request, status=403)
        outcome = _proven(request)
        if isinstance(outcome, Held):
            return _held(request, outcome)
        if not outcome:
            return _asked(request, status=422, failure=_failure(request))
        return page(_cleaned(request), *args, **kwargs)

    return sensitive_post_parameters(*_OWN)(guarded)


def _proven(request: AdministratorRequest) -> Held | bool:
    if _PASSKEY not in request.POST:
        entered = Proof(
            request.POST.get(_PASSWORD, ""), request.POST.get(_CODE, "")[:100], address_of(request)
        )
        return prove(user=request.user, entered=entered, session=request.session)
    site = site_of(request)
    try:
        if site is None:
            return False
        prove_by_passkey(
            user=request.user,
            site=site,
            browser=word_of(request),
            response=shown_in(request, _PASSKEY),
            session=request.session,
        )
    except Unusable:
        return False
    return True


def _failure(request: AdministratorRequest) -> str:
    if _PASSKEY in request.POST:
        return gettext("The passkey couldn’t be used. Nothing was done yet.")
    if has_any(request.user):
        return gettext("The password or the code isn’t right. Nothing was done yet.")
    return gettext("The password isn’t right. Nothing was done yet.")


def _cleaned(request: AdministratorRequest) -> AdministratorRequest:
    """The page is to read what its own form sent."""
    if request.POST.keys() & set(_OWN):
        fields = request.POST.copy()
        for name in _OWN:
            fields.pop(name, None)
        request.POST = fields  # type: ignore[assignment]
    return request


def _ways(request: AdministratorRequest) -> list[tuple[str, str]]:
    """Providers at which the person can prove who they are: the name, and the address to open."""
    query = urlencode({"purpose": "prove", "next": reverse("web:proven")})
    return [
        (one.provider, f"{reverse(one.route, kwargs={'slug': one.slug})}?{query}")
        for one in connected(request.user.pk)
        if one.is_open and one.route
    ]


def _asked(request: AdministratorRequest, *, status: int, failure: str = "") -> HttpResponse:
    fields = [
        (name, value) for name, values in request.POST.lists() if name not in _LEFT_OUT for value in values
    ]
    user, site = request.user, site_of(request)
    context = {
        "fields": fields,
        "field": _PASSWORD,
        "failure": failure,
        "code_field": _CODE if has_any(user) else "",
        "passkey_field": _PASSKEY
        if site is not None and Passkey.objects.filter(user=user, site=site.name).exists()
        else "",
        "by_provider": _BY_PROVIDER,
        "ways": _ways(request),
        "has_password": local_sign_in.has_password(request.user),
    }
    response = render(request, "console/prove.html", context, status=status)
    response.headers["Cache-Control"] = "no-store"
    if request.htmx:
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "body", "innerHTML"
        response.status_code = _SHOWN_BY_HTMX
    return response


def _held(request: AdministratorRequest, held: Held) -> HttpResponse:
    wait_s = _A_DAY_S if held.wait_s is None else held.wait_s
    minutes = math.ceil(wait_s / 60)
    words = gettext("Too many wrong passwords were entered. Wait %(n)s min, then try again.") % {"n": minutes}
    response = _asked(request, status=429, failure=words)
    response.headers["Retry-After"] = str(wait_s)
    return response
