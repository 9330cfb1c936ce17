"""A sensitive form asks again who somebody is, as signing in does, and loses nothing of what was typed.

By the password, that of Mundap or of the company's directory, with a second factor for who has one; by a
passkey; or by the company's provider, in a window of its own. What was typed waits on the server (`waiting`):
the page that asks holds nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters

from assistant.accounts import local_sign_in
from assistant.accounts.how_long import at_least
from assistant.accounts.models import User
from assistant.accounts.proof import is_recent
from assistant.accounts.throttle import Held
from assistant.audit.origin import address_of
from assistant.factors import waiting
from assistant.factors.models import Passkey
from assistant.factors.passkeys import Unusable
from assistant.factors.requests import shown_in, site_of, word_of
from assistant.factors.rule import has_any
from assistant.factors.showing import Proof, prove, prove_by_passkey
from assistant.identity.connected import connected
from assistant.identity.ldap.asking import OutOfReach, identity_at_directory

P = ParamSpec("P")
Request = TypeVar("Request", bound=HttpRequest)
Page = Callable[Concatenate[Request, P], HttpResponse]
Surroundings = Callable[[User], dict[str, Any]]

_PASSWORD = "proving_password"  # noqa: S105 - the name of a field
_CODE, _PASSKEY = "proving_code", "proving_passkey"
_BY_PROVIDER = "proving_by_provider"  # the person says that they proved themselves in another window
_WAITING = "proving_form"  # the word of the form that waits
_SHOWN = (_PASSWORD, _CODE, _PASSKEY)
PROVING_FIELDS = (*_SHOWN, _BY_PROVIDER, _WAITING)
_LEFT_OUT = {"csrfmiddlewaretoken", *PROVING_FIELDS}
_SHOWN_BY_HTMX = 422  # other refusals it only reports, as templates/base.html tells it


def asks_again(
    frame: str, surroundings: Surroundings, *, reading: bool = False
) -> Callable[[Page[Request, P]], Page[Request, P]]:
    """A decorator of pages: their POST is only for who proved within half an hour who they are, and with
    `reading` so is everything else of them.

    Others get a page in `frame`, with what `surroundings` gives for that. It asks for the password, with a
    second factor for who has one, for a passkey, or to sign in anew at a provider, while all fields wait on
    the server, so that the right answer does at once what was wanted. Files are not kept. Works without
    scripts; htmx is told to show it as a page. Stands behind something that lets in only who is signed in.
    """

    def guard(page: Page[Request, P]) -> Page[Request, P]:
        @wraps(page)
        def guarded(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            user = request.user
            assert isinstance(user, User)
            drawn = _Drawn(request, user, frame, surroundings, keeps=not reading)
            if (reading or request.method == "POST") and not is_recent(request.session):
                asked = _asked(request, user, drawn)
                if asked is not None:
                    return asked
            return page(request, *args, **kwargs) if _restored(request) else drawn.gone()

        return sensitive_post_parameters(*PROVING_FIELDS)(guarded)

    return guard


class _Drawn:
    """The page that asks, for one request."""

    def __init__(
        self, request: HttpRequest, user: User, frame: str, surroundings: Surroundings, *, keeps: bool
    ) -> None:
        self._request, self._user, self._frame, self._surroundings = request, user, frame, surroundings
        self._keeps = keeps  # whether there is a form whose fields wait

    def page(self, *, status: int, failure: str = "") -> HttpResponse:
        request, user, site = self._request, self._user, site_of(self._request)
        word = self._word()
        if request.POST.get(_WAITING) and not word:
            return self.gone()
        has_passkey = site is not None and Passkey.objects.filter(user=user, site=site.name).exists()
        has_own_password = local_sign_in.has_password(user)
        directory = None if user.is_emergency else identity_at_directory(user)
        its_name = directory.provider.name if directory is not None and not has_own_password else ""
        context = {
            "keeps": self._keeps,
            "fields": [] if word is None else [(_WAITING, word)],
            "is_lost": word == "",
            "field": _PASSWORD,
            "failure": failure,
            "code_field": _CODE if has_any(user) else "",
            "passkey_field": _PASSKEY if has_passkey else "",
            "by_provider": _BY_PROVIDER,
            "ways": _ways(user),
            "has_password": has_own_password or directory is not None,
            "directory": its_name,
            "described_by": " ".join(["whose"] * bool(its_name) + ["failure"] * bool(failure)),
        }
        return self._drawn("components/prove.html", context, status=status)

    def gone(self) -> HttpResponse:
        """What was typed waits no longer: it took too long, or was done before (a double click)."""
        minutes = int(waiting.LIFE.total_seconds() // 60)
        return self._drawn("components/prove_gone.html", {"minutes": minutes}, status=_SHOWN_BY_HTMX)

    def _word(self) -> str | None:
        """Of the form that waits; empty where it cannot, None where nothing was typed."""
        request = self._request
        if (word := request.POST.get(_WAITING)) is not None:
            return word if waiting.is_kept(request, word) else ""
        fields = [(name, values) for name, values in request.POST.lists() if name not in _LEFT_OUT]
        if request.FILES:
            return ""
        return waiting.keep(request, fields) if fields else None

    def _drawn(self, template: str, context: dict[str, Any], *, status: int) -> HttpResponse:
        request = self._request
        around = {"frame": self._frame, **self._surroundings(self._user)}
        response = render(request, template, {**context, **around}, status=status)
        if getattr(request, "htmx", False):
            response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "body", "innerHTML"
            response.status_code = _SHOWN_BY_HTMX
        return response

    def held(self, held: Held) -> HttpResponse:
        response = self.page(status=429, failure=held_words(held))
        response.headers["Retry-After"] = str(held.retry_after_s)
        return response


def _asked(request: HttpRequest, user: User, drawn: _Drawn) -> HttpResponse | None:
    """The page that asks; None once they proved in this request who they are."""
    if request.method != "POST":
        return drawn.page(status=200)
    if _BY_PROVIDER in request.POST and not (request.POST.get(_PASSWORD) or _PASSKEY in request.POST):
        failure = gettext("You have not signed in anew there yet. Nothing was done.")
        return drawn.page(status=422, failure=failure)
    if not any(name in request.POST for name in _SHOWN):
        return drawn.page(status=403)
    outcome = _proven(request, user)
    if isinstance(outcome, Held):
        return drawn.held(outcome)
    if isinstance(outcome, OutOfReach):
        return drawn.page(status=503, failure=outcome.sentence)
    return None if outcome else drawn.page(status=422, failure=_failure(request, user))


def held_words(held: Held) -> str:
    """How long to wait; who is held back for good is told who can help."""
    if held.wait_s is None:
        return gettext(
            "Too many wrong passwords or codes were entered for this account. Ask your administrator."
        )
    words = gettext("Too many wrong passwords or codes were entered. Wait %(time)s, then try again.")
    return words % {"time": at_least(held.wait_s)}


def _proven(request: HttpRequest, user: User) -> Held | OutOfReach | bool:
    if _PASSKEY not in request.POST:
        entered = Proof(
            request.POST.get(_PASSWORD, ""), request.POST.get(_CODE, "")[:100], address_of(request)
        )
        return prove(user=user, entered=entered, session=request.session)
    site = site_of(request)
    try:
        if site is None:
            return False
        prove_by_passkey(
            user=user,
            site=site,
            browser=word_of(request),
            response=shown_in(request, _PASSKEY),
            session=request.session,
        )
    except Unusable:
        return False
    return True


def _failure(request: HttpRequest, user: User) -> str:
    if _PASSKEY in request.POST:
        return gettext("The passkey couldn’t be used. Nothing was done yet.")
    if has_any(user):
        return gettext("The password or the code isn’t right. Nothing was done yet.")
    return gettext("The password isn’t right. Nothing was done yet.")


def _restored(request: HttpRequest) -> bool:
    """Let the page read what its own form sent, now or before. False: what was typed waits no longer."""
    if (word := request.POST.get(_WAITING)) is not None:
        fields = waiting.take(request, word)
        if fields is None:
            return False
        request.POST = fields  # type: ignore[assignment]
    elif request.POST.keys() & set(PROVING_FIELDS):
        fields = request.POST.copy()
        for name in PROVING_FIELDS:
            fields.pop(name, None)
        request.POST = fields  # type: ignore[assignment]
    return True


def _ways(user: User) -> list[tuple[str, str]]:
    """Providers at which the person can prove who they are: the name, and the address to open."""
    query = urlencode({"purpose": "prove", "next": reverse("web:proven")})
    return [
        (one.provider, f"{reverse(one.route, kwargs={'slug': one.slug})}?{query}")
        for one in connected(user.pk)
        if one.is_open and one.route
    ]
