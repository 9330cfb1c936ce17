"""The channels that the bot is in: how each is answered, and why one can't be answered for all now."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from assistant.common.errors import MundapError
from assistant.common.told import said, told
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.proving import recently_proven
from assistant.console.slack import known
from assistant.console.slack_words import POLICIES
from assistant.console.telling import in_words
from assistant.slackbot import services
from assistant.slackbot.audience import Why, reading_now
from assistant.slackbot.audience_words import SENTENCES
from assistant.slackbot.failures import SlackBusy
from assistant.slackbot.models import Policy, Workspace
from assistant.slackbot.selectors import RIGHT, SeenChannel, channels_seen
from assistant.slackbot.services import ChannelForm

_MOST_NAMED = 20


@require_GET
@with_right(RIGHT)
def channels(request: AdministratorRequest, workspace_id: int) -> HttpResponse:
    """All channels that the bot is in, as Slack lists them now."""
    row = known(workspace_id)
    found, problem = _seen(request, row)
    rows = [(one, POLICIES[one.policy][0]) for one in found]
    context = {"workspace": row, "rows": rows, "problem": problem}
    return render(request, "console/slack_channels.html", context)


@require_http_methods(["GET", "POST"])
@with_right(RIGHT)
@recently_proven
def channel(request: AdministratorRequest, workspace_id: int, channel_id: str) -> HttpResponse:
    """One channel: what was decided about it, and what would become of a question there now."""
    row = known(workspace_id)
    found, problem = _seen(request, row)
    one = next((each for each in found if each.channel_id == channel_id), None)
    if problem:
        return render(
            request, "console/slack_channels.html", {"workspace": row, "rows": [], "problem": problem}
        )
    if one is None:
        raise Http404
    if request.method == "POST":
        return _decided(request, row, one)
    reading = reading_now(row, channel_id)
    context = {
        "workspace": row,
        "channel": one,
        "policies": [(policy, *words) for policy, words in POLICIES.items()],
        "usual": POLICIES[Policy(row.policy)][0],
        "reading": reading,
        "reason": SENTENCES[reading.why],
        "for_all": one.policy is Policy.MEMBERS and reading.why is Why.ALL_JOINED,
        "is_decided": one.policy is not Policy.MEMBERS,
        "lacking": reading.lacking[:_MOST_NAMED],
        "more": max(0, len(reading.lacking) - _MOST_NAMED),
        "others": (reading.readers or 1) - 1,
        "saved": "saved" in request.GET,
    }
    return render(request, "console/slack_channel.html", context)


def _decided(request: AdministratorRequest, row: Workspace, one: SeenChannel) -> HttpResponse:
    policy = request.POST.get("policy", "")
    if policy and policy not in Policy.values:
        raise Http404
    form = ChannelForm(
        channel_id=one.channel_id,
        policy=policy,
        accepts_apps="accepts_apps" in request.POST,
        name=one.name,
        is_private=one.is_private,
    )
    services.set_channel_policy(workspace_id=row.pk, form=form, actor=request.user)
    response = redirect("console:slack-channel", row.pk, one.channel_id)
    response["Location"] += "?saved"
    return response


def _seen(request: AdministratorRequest, row: Workspace) -> tuple[tuple[SeenChannel, ...], str]:
    """The channels, or why they are not to be had."""
    try:
        return channels_seen(row, user=request.user), ""
    except SlackBusy:  # whose own words promise that it is asked again, as jobs do
        return (), in_words(told("Slack does not answer now. Try again in a moment."))
    except MundapError as error:
        return (), in_words(said(error))
