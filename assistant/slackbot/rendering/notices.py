"""The short messages that are no answer: private replies, and what stands in place of a withdrawn answer.

None tells whether a document, a conversation or a person exists. Guests, people of other organisations and
bots get none at all (`questions.tell_not_joined`), so that nothing tells them what Mundap is asked.
"""

from __future__ import annotations

from django.utils import formats
from django.utils.translation import gettext, ngettext

from assistant.chat.events import Withheld
from assistant.chat.file_reasons import failure_words
from assistant.chat.outcome_words import OutcomeWords, outcome_words
from assistant.slackbot import actions as ids
from assistant.slackbot.rendering.blocks import (
    actions,
    button,
    clean,
    escaped,
    one_line,
    rich_text,
    section,
    words,
)
from assistant.slackbot.rendering.messages import Message, outcome_blocks
from assistant.slackbot.rendering.views import not_shared_words

_LONGEST_NAME = 120
_MINUTE_S = 60


def sign_in_first(join_address: str) -> Message:
    """To a member who is not joined to an account yet, with the way to sign in."""
    said = gettext(
        "Sign in once, so that Mundap knows which documents you may read. Then ask your question again."
    )
    there = actions(button(gettext("Sign in to Mundap"), ids.JOIN, url=join_address, primary=True))
    notice = _notice(said)
    return Message(notice.text, (*notice.blocks, *there))


def account_closed() -> Message:
    """To a member whose account is closed."""
    return _notice(gettext("Your Mundap account is closed. Ask your administrator if you need it."))


def empty_question() -> Message:
    """A question without words, such as an emoji alone."""
    return _notice(gettext("There is no question in your message. Write it in words and send it again."))


def too_long(characters: int, *, most: int) -> Message:
    """A question with more characters than are taken."""
    said = gettext(
        "Your question has %(length)s characters; at most %(most)s fit. Shorten it and send it again."
    )
    return _notice(said % {"length": _number(characters), "most": _number(most)})


def too_fast(wait_s: int) -> Message:
    """More questions than are taken in a short time."""
    if wait_s < _MINUTE_S:
        said = ngettext(
            "You asked very many questions. Try again in %(n)s second.",
            "You asked very many questions. Try again in %(n)s seconds.",
            max(wait_s, 1),
        )
        return _notice(said % {"n": max(wait_s, 1)})
    minutes = -(-wait_s // _MINUTE_S)
    said = ngettext(
        "You asked very many questions. Try again in %(n)s minute.",
        "You asked very many questions. Try again in %(n)s minutes.",
        minutes,
    )
    return _notice(said % {"n": minutes})


def file_unread(name: str, code: str) -> Message:
    """A file of the thread that cannot be used; `code` as in `chat.file_reasons`."""
    said = gettext("“%(name)s” couldn’t be read.") % {"name": one_line(name, _LONGEST_NAME)}
    return _notice(f"{said} {failure_words(code)}")


def file_refused(why: str) -> Message:
    """A file that was not taken; `why` is a sentence of `chat.file_reasons.refusal_words`."""
    return _notice(clean(why))


def failed(reference: str = "") -> Message:
    """Something went wrong before there was a turn, so the question is not kept."""
    why = gettext(
        "Something went wrong on the server. Send your question again, and tell your administrator if it"
        " happens twice."
    )
    said = OutcomeWords(gettext("Your question wasn’t answered"), (why,), reference=reference)
    return Message(escaped(said.title), tuple(outcome_blocks(said)))


def not_in_time() -> Message:
    """What was asked could not be answered for too long, and nobody tries it any more."""
    why = gettext(
        "Slack couldn’t be reached for half an hour, or Mundap was disconnected from it. Ask again, here or"
        " in Mundap itself."
    )
    said = OutcomeWords(gettext("Your question wasn’t answered"), (why,))
    return Message(escaped(said.title), tuple(outcome_blocks(said)))


def withdrawn(*, for_everybody: bool) -> Message:
    """In place of a posted answer that may no longer be shown."""
    said = outcome_words(Withheld(), for_everybody=for_everybody)
    assert said is not None
    return Message(escaped(said.title), tuple(outcome_blocks(said)))


def not_shared() -> Message:
    """An answer that not everybody in the channel may read."""
    return _notice(not_shared_words())


def shared() -> Message:
    """An answer that now stands in the channel."""
    return _notice(gettext("The answer has been shared with the channel."))


def new_conversation() -> Message:
    """After /new."""
    return _notice(
        gettext("A new conversation has begun. What was asked before is no longer taken into account.")
    )


def not_yours() -> Message:
    """A button that only the person who asked may press. It says the same of what is not there any more."""
    return _notice(gettext("Only the person who asked can do this, while the answer is still there."))


def feedback_kept() -> Message:
    """After “Useful” was pressed."""
    return _notice(gettext("Thank you. Your feedback has been kept."))


def switched_off() -> Message:
    """In a channel, or a workspace, where Mundap is not to answer."""
    return _notice(gettext("Mundap doesn’t answer in this channel. Ask in a direct message instead."))


def how_to_ask() -> Message:
    """After /ask without a question."""
    return _notice(gettext("Write your question after the command: /ask How many days of leave do I have?"))


def _notice(said: str) -> Message:
    return Message(escaped(said), tuple(rich_text([section(words(said))])))


def _number(value: int) -> str:
    return formats.number_format(value, force_grouping=True)
