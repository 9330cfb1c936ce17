"""Why a channel is answered as it is, in words for administrators."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from assistant.slackbot.audience import Why

SENTENCES: Mapping[Why, str | Promise] = {
    Why.ALL_JOINED: gettext_lazy(
        "Everybody who can read the channel has an account here: all see the answer."
    ),
    Why.DIRECT: gettext_lazy("A direct message: nobody else reads it."),
    Why.OFF: gettext_lazy("Questions are not answered here."),
    Why.POLICY: gettext_lazy("An administrator chose that the asker alone sees answers."),
    Why.ARCHIVED: gettext_lazy("The channel is archived: nothing is posted."),
    Why.SHARED: gettext_lazy(
        "The channel is shared with another organisation or workspace: the asker alone sees answers."
    ),
    Why.GROUP_MESSAGE: gettext_lazy("A group message: the asker alone sees answers."),
    Why.UNKNOWN_KIND: gettext_lazy(
        "A conversation of a kind that is not known: the asker alone sees answers."
    ),
    Why.APPS: gettext_lazy(
        "Other apps in the channel could read along, which is not accepted: the asker alone sees answers."
    ),
    Why.GUESTS: gettext_lazy("Guests are in the channel: the asker alone sees answers."),
    Why.STRANGERS: gettext_lazy(
        "People of another organisation are in the channel: the asker alone sees answers."
    ),
    Why.NOT_JOINED: gettext_lazy(
        "Somebody who can read the channel has no open account here: the asker alone sees answers."
    ),
    Why.TOO_MANY: gettext_lazy("More than 500 people can read the channel: the asker alone sees answers."),
    Why.NOT_A_MEMBER: gettext_lazy(
        "The asker is not among the channel’s members: they alone see the answer."
    ),
    Why.OUT_OF_REACH: gettext_lazy("The bot is not in the channel: the asker alone sees answers."),
    Why.NO_ANSWER: gettext_lazy("Slack did not say who can read the channel: the asker alone sees answers."),
}
