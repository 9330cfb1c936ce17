"""What the pages of Slack say of steps, policies and reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.common.types import Json
from assistant.console.telling import in_words
from assistant.slackbot.audience import Why
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

REASONS: Mapping[Why, Promise] = {
    Why.ALL_JOINED: _("Everybody who can read the channel is known here."),
    Why.DIRECT: _("Nobody but the asker reads it."),
    Why.OFF: _("In channels nobody gets an answer."),
    Why.POLICY: _("It was decided so."),
    Why.ARCHIVED: _("The channel is archived."),
    Why.SHARED: _(
        "The channel is shared with another company or another workspace. Who reads there isn’t known here."
    ),
    Why.GROUP_MESSAGE: _("It is a group message, not a channel."),
    Why.UNKNOWN_KIND: _("Slack doesn’t say clearly what kind of channel it is."),
    Why.APPS: _("Another app is in the channel and reads along. If it may, allow it below."),
    Why.GUESTS: _("A guest is in the channel. Remove the guest, or ask in another channel."),
    Why.STRANGERS: _("Somebody of another company is in the channel."),
    Why.NOT_JOINED: _("Not everybody who can read the channel is known here."),
    Why.TOO_MANY: _("More than 500 people can read the channel."),
    Why.NOT_A_MEMBER: _("The asker is not among those who can read the channel."),
    Why.NO_ANSWER: _("Slack doesn’t say now who can read the channel. Try again in a moment."),
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
