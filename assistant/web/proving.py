"""Before somebody changes how they sign in, they show once more who they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from assistant.access.viewer import viewer_for
from assistant.accounts.proof import is_recent
from assistant.accounts.throttle import Held
from assistant.audit.origin import address_of
from assistant.factors.asking_again import asks_again, held_words
from assistant.factors.models import Passkey
from assistant.factors.passkeys import Unusable
from assistant.factors.requests import shown_in, site_of, word_of
from assistant.factors.rule import has_any
from assistant.factors.showing import Proof, prove, prove_by_passkey
from assistant.web.company_sign_in import safe_page
from assistant.web.conversations import rail
from assistant.web.signed_in import PersonRequest, for_people

P = ParamSpec("P")
Page = Callable[Concatenate[PersonRequest, P], HttpResponse]
_UNFIT, _TOO_MANY = 422, 429


def proven_first(page: Page[P]) -> Page[P]:
    """The page for who proved within half an hour who they are; others prove it first and come back.

    What a form sent is not kept: nothing here is long to enter again. Stands below `for_people`.
    """

    @wraps(page)
    def guarded(request: PersonRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if is_recent(request.session):
            return page(request, *args, **kwargs)
        back = request.get_full_path() if request.method == "GET" else resolve_url("web:security")
        return redirect(f"{resolve_url('web:prove')}?{urlencode({'next': back})}")

    return guarded


def kept_and_proven(page: Page[P]) -> Page[P]:
    """As `proven_first`, for a form that is long to enter again: the page that asks carries its fields along.

    Also by the company's provider. Stands below `for_people`.
    """
    return asks_again("app.html", lambda user: rail(viewer_for(user)))(page)


@sensitive_post_parameters("password", "code", "passkey")
@require_http_methods(["GET", "POST"])
@for_people
def prove_again(request: PersonRequest) -> HttpResponse:
    """The password and, for who has one, a second factor; or a passkey, which is both."""
    if request.method != "POST":
        return _page(request)
    if "passkey" in request.POST:
        if not _by_passkey(request):
            return _page(request, failure=gettext("This passkey can’t be used. Try again."), status=_UNFIT)
        return redirect(_back(request))
    entered = Proof(request.POST.get("password", ""), request.POST.get("code", "")[:100], address_of(request))
    outcome = prove(user=request.user, entered=entered, session=request.session)
    if isinstance(outcome, Held):
        response = _page(request, failure=held_words(outcome), status=_TOO_MANY)
        response.headers["Retry-After"] = str(outcome.retry_after_s)
        return response
    if not outcome:
        return _page(request, failure=not_proven(), status=_UNFIT)
    return redirect(_back(request))


def not_proven() -> str:
    """Which of the two was wrong is not said."""
    return gettext("That isn’t right. Check what you entered and try again.")


def _by_passkey(request: PersonRequest) -> bool:
    site = site_of(request)
    try:
        if site is None:
            raise Unusable("No passkeys on this site.")
        prove_by_passkey(
            user=request.user,
            site=site,
            browser=word_of(request),
            response=shown_in(request, "passkey"),
            session=request.session,
        )
    except Unusable:
        return False
    return True


def _back(request: PersonRequest) -> str:
    return safe_page(request, request.POST.get("next", "")) or resolve_url("web:security")


def _page(request: PersonRequest, *, failure: str = "", status: int = 200) -> HttpResponse:
    user, site = request.user, site_of(request)
    context = {
        "failure": failure,
        "next": request.POST.get("next") or request.GET.get("next", ""),
        "has_factor": has_any(user),
        "has_passkey": site is not None and Passkey.objects.filter(user=user, site=site.name).exists(),
        **rail(viewer_for(user)),
    }
    return render(request, "web/factors_prove.html", context, status=status)
