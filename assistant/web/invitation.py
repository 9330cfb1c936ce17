"""The page to which an invitation leads: a name, a password, and in.

The word in the link opens an account, so it leaves the address at once: the first page only puts it into a
cookie of an hour that no script can read, and leads on. Looking changes nothing, since mail programs and
scanners open links, too; what is sent by the form uses the link up.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from assistant.accounts import cookies, local_sign_in
from assistant.accounts.invitation_models import Invitation
from assistant.accounts.invitations import LONGEST_NAME, look
from assistant.common.errors import UsageError
from assistant.factors import passwords
from assistant.factors.joining import Over, join
from assistant.web.coming_in import after_right_password
from assistant.web.company_sign_in import apology

COOKIE = "mundap_invitation"
_COOKIE_LIFE_S = 3600
_LONGEST_WORD = 100
_UNFIT = 422


@never_cache
@require_GET
def open_invitation(request: HttpRequest, word: str) -> HttpResponse:  # noqa: ARG001 - Django's shape
    """Take the word out of the address. Whether it counts is asked where it leads."""
    response = redirect("web:invitation")
    # Lax: it goes along when a mail or a chat leads here by a link.
    cookies.keep(response, COOKIE, word[:_LONGEST_WORD], life_s=_COOKIE_LIFE_S)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@sensitive_post_parameters("password", "again")
@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """Choose a name and a password. What is over, and what never was, look alike."""
    if request.user.is_authenticated:
        sentence = gettext("You are signed in already. Sign out first, then open the link again.")
        return apology(request, sentence)
    word = cookies.kept_in(request, COOKIE)
    found = look(word) if word else None
    if found is None:
        return _over(request)
    if request.method != "POST":
        return _page(request, found)
    password = request.POST.get("password", "")
    if password != request.POST.get("again", ""):
        wrong = {"again": [gettext("The two don’t match. Enter the new password twice.")]}
        return _page(request, found, wrong=wrong)
    try:
        user = join(word=word, name=request.POST.get("name", ""), password=password)
    except passwords.Unfit as unfit:
        return _page(request, found, wrong={"password": unfit.reasons})
    except Over:
        return _over(request)
    except UsageError:
        return apology(
            request,
            gettext("There is an account of this address by now. Sign in to it, or ask who invited you."),
            status=409,
        )
    return _forgotten(after_right_password(request, user, resolve_url(settings.LOGIN_REDIRECT_URL)))


def _over(request: HttpRequest) -> HttpResponse:
    if local_sign_in.is_for_emergencies():
        sentence = gettext("Invitations don’t count here. Sign in with your company’s sign-in.")
    else:
        sentence = gettext(
            "This link doesn’t count any more: it was used, replaced, or is older than three days. Ask who "
            "gave it to you for a new one."
        )
    return _forgotten(apology(request, sentence))


def _forgotten(response: HttpResponse) -> HttpResponse:
    cookies.forget(response, COOKIE)
    return response


def _page(
    request: HttpRequest, found: Invitation, *, wrong: dict[str, list[str]] | None = None
) -> HttpResponse:
    context = {
        "email": found.email,
        "is_new": found.purpose == Invitation.Purpose.JOIN,
        "name": request.POST.get("name", found.name)[:LONGEST_NAME],
        "longest_name": LONGEST_NAME,
        "wrong": wrong or {},
        "length": settings.MUNDAP_PASSWORD_LENGTH,
    }
    return render(request, "web/invitation.html", context, status=_UNFIT if wrong else 200)
