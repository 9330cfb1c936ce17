"""What the pages of Slack say of steps and policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.console.checks import DrawnCheck, mended_first
from assistant.console.telling import in_words
from assistant.slackbot.models import Policy
from assistant.slackbot.trying import Step, Tried

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


def drawn_steps(steps: Iterable[Tried]) -> tuple[DrawnCheck, ...]:
    """What was tried, in the page's language."""
    return mended_first(
        DrawnCheck(str(STEPS[one.step]), str(one.state), in_words(one.detail)) for one in steps
    )
