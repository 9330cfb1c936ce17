"""What the pages of Slack say of steps and policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.common.types import Json
from assistant.console.telling import in_words
from assistant.slackbot.models import Policy
from assistant.slackbot.trying import State, Step, Tried

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


@dataclass(frozen=True, slots=True)
class DrawnStep:
    """A line of the list of steps, in the page's language."""

    title: str
    state: str
    detail: str

    def as_json(self) -> Json:
        """For the session, from where the next page takes it."""
        return [self.title, self.state, self.detail]


def drawn_steps(steps: Iterable[Tried]) -> list[DrawnStep]:
    """What was tried: what is to be mended first, what passed last."""
    order = (State.FAILED, State.WAITING, State.PASSED)
    return [
        DrawnStep(str(STEPS[one.step]), str(one.state), in_words(one.detail))
        for one in sorted(steps, key=lambda one: order.index(one.state))
    ]
