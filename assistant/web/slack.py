"""Which Slack users somebody is: the page to which a link from Slack leads, and the end of it.

The link's word is worth an account's eyes in Slack, to whoever gets another person to follow it. So the page
says whom it is about before anything happens, and asks again who is signed in.
"""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from assistant.common.errors import MundapError
from assistant.factors.asking_again import PROVING_FIELDS
from assistant.slackbot.joining import Offer, Over, Refusal, Refused, joined_by, leave, offer_of
from assistant.web.proving import kept_and_proven
from assistant.web.signed_in import PersonRequest, for_people

_REFUSED, _OVER, _AWAY = 409, 400, 503

_REFUSALS: dict[Refusal, str | Promise] = {
    Refusal.NOT_A_MEMBER: gettext_lazy(
        "This Slack user is no full member of the workspace. Guests, people of other organisations and apps "
        "can’t be connected."
    ),
    Refusal.NO_PERSON: gettext_lazy("This account can’t be connected. Sign in with your own account first."),
    Refusal.ANOTHER_ACCOUNT: gettext_lazy(
        "This Slack user is connected to another account. If both are yours, disconnect it there first, on "
        "the page “Where you are signed in”."
    ),
    Refusal.ANOTHERS_ADDRESS: gettext_lazy(
        "In Slack, this user has the e-mail address of another person here, so nothing was connected. If you "
        "don’t know who sent you the link, tell your administrator."
    ),
}


@sensitive_post_parameters(*PROVING_FIELDS)
@require_http_methods(["GET", "POST"])
@for_people
def join(request: PersonRequest, word: str) -> HttpResponseBase:
    """Say which Slack user would be whom; POST connects them. What is over and what never was look alike."""
    try:
        response = _joined(request, word) if request.method == "POST" else _offered(request, word)
    except Over:
        response = _page(
            request,
            sentence=gettext(
                "This link doesn’t count any more: it was used, or is older than an hour. Ask Mundap in "
                "Slack for a new one."
            ),
            status=_OVER,
        )
    except Refused as refused:
        response = _page(request, sentence=str(_REFUSALS[refused.refusal]), status=_REFUSED)
    except MundapError:
        response = _page(
            request,
            sentence=gettext("Slack doesn’t answer at the moment. Open the link again in a few minutes."),
            status=_AWAY,
        )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@require_POST
@for_people
def leave_slack(request: PersonRequest, joined_id: int) -> HttpResponse:
    """Part one of the person's own Slack users from the account."""
    leave(joined_id=joined_id, actor=request.user, user_id=request.user.pk)
    return redirect(f"{resolve_url('web:sessions')}#slack")


@kept_and_proven
def _joined(request: PersonRequest, word: str) -> HttpResponse:
    joined_by(word, request.user)
    return redirect(f"{resolve_url('web:sessions')}?connected=slack#slack")


def _offered(request: PersonRequest, word: str) -> HttpResponse:
    offer = offer_of(word, request.user)
    if offer.refusal is not None:
        raise Refused(offer.refusal)
    return _page(request, offer=offer)


def _page(
    request: PersonRequest, *, offer: Offer | None = None, sentence: str = "", status: int = 200
) -> HttpResponse:
    context = {"offer": offer, "sentence": sentence}
    return render(request, "web/slack_join.html", context, status=status)
