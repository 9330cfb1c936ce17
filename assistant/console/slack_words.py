"""What the pages of Slack say of steps and policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from assistant.console.checks import DrawnCheck, mended_first
from assistant.console.telling import in_words
from assistant.slackbot.failures import CLOSING, plain_code
from assistant.slackbot.jobs import APOLOGY, WAITED
from assistant.slackbot.models import Policy
from assistant.slackbot.selectors import Unfinished
from assistant.slackbot.trying import Step, Tried, failure_words

STEPS: Mapping[Step, Promise] = {
    Step.TOKEN: _("The bot token works"),
    Step.WORKSPACE: _("It belongs to one workspace"),
    Step.SCOPES: _("The app has all its rights"),
    Step.SECRET: _("The signing secret has the right form"),
    Step.SOCKET: _("Socket Mode opens"),
    Step.REACHED: _("Slack reaches Mundap"),
}

POLICIES: Mapping[Policy, tuple[Promise, Promise]] = {
    Policy.PRIVATE: (
        _("To the asker alone"),
        _("Whoever asks in a channel gets the answer so that only they see it, from all that they may read."),
    ),
    Policy.MEMBERS: (
        _("To the channel"),
        _(
            "From what everybody who can read the channel may read. Where that can’t be known for "
            "certain, to the asker alone."
        ),
    ),
    Policy.OFF: (
        _("Not at all"),
        _("In channels nobody gets an answer; direct messages and /ask still work."),
    ),
}


_JOBS: Mapping[str, Promise] = {
    "question": pgettext_lazy("job from Slack", "Question"),
    "again": pgettext_lazy("job from Slack", "Question asked again"),
    "share": pgettext_lazy("job from Slack", "Answer to be shared"),
    "new": pgettext_lazy("job from Slack", "New conversation"),
    "home": pgettext_lazy("job from Slack", "Home page of the app"),
    "recheck": pgettext_lazy("job from Slack", "Another look at who reads answers"),
    APOLOGY: pgettext_lazy("job from Slack", "Word that a question was not answered"),
}
_OTHER = pgettext_lazy("job from Slack", "Something else")
_REASONS: Mapping[str, Promise] = {
    "busy": _("Slack was busy or couldn’t be reached, eight times in half an hour."),
    "failed": _("Mundap couldn’t do it, eight times. Its log says why, at that time."),
    "internal": _("A mistake of Mundap’s. Its log says where, at that time."),
    "gave_up": _("The server was stopped eight times while it did it."),
    WAITED: _("The workspace was closed, or Slack no longer let the app in, for 25 minutes."),
    "local_only": _("Local-only mode: nothing is sent to Slack."),
    "missing_scope": _("The app lacks a right. Test the connection: it says which."),
    "not_in_channel": _("The bot is not in the channel. Invite it there."),
    "channel_not_found": _("Slack doesn’t show the bot this channel. Invite it there, if it is to answer."),
    "is_archived": _("The channel is archived."),
    "not_slack": _("An address was not Slack’s, so nothing was sent there."),
}


@dataclass(frozen=True, slots=True)
class DrawnFailure:
    """A line of what could not be carried out, in the page's language."""

    what: str
    why: str
    times: int
    last: datetime


def drawn_failures(found: Iterable[Unfinished]) -> list[DrawnFailure]:
    """What could not be carried out, and why, in words."""
    return [
        DrawnFailure(str(_JOBS.get(one.kind, _OTHER)), _reason(one.code), one.times, one.last)
        for one in found
    ]


def _reason(code: str) -> str:
    if code in CLOSING:
        return in_words(failure_words(code))
    if code in _REASONS:
        return str(_REASONS[code])
    return gettext("Slack refused it (%(code)s).") % {"code": plain_code(code)}


def drawn_steps(steps: Iterable[Tried]) -> tuple[DrawnCheck, ...]:
    """What was tried, in the page's language."""
    return mended_first(
        DrawnCheck(str(STEPS[one.step]), str(one.state), in_words(one.detail)) for one in steps
    )
