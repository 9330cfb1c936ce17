"""The windows that open over Slack: the sources of an answer, feedback, a question about a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext, ngettext, pgettext

from assistant.chat.events import CitedPassage
from assistant.chat.feedback import LONGEST_COMMENT
from assistant.chat.models import FeedbackReason
from assistant.common.types import Json
from assistant.slackbot import actions as ids
from assistant.slackbot.rendering.blocks import (
    LONGEST_TITLE,
    MOST_BLOCKS_OF_VIEW,
    Block,
    Element,
    actions,
    button,
    clean,
    clipped,
    context,
    plain,
    quote,
    rich_text,
    section,
    words,
)
from assistant.slackbot.rendering.sources import source_title, where_and_when

View = dict[str, Json]

LONGEST_ENTERED = 3_000  # what Slack lets a person enter in one field
_LONGEST_PASSAGE = 1_200
_LONGEST_UNUSED = 280  # of one that no sentence stands on, as on the web
_BEFORE_QUOTE = 200  # characters of the passage that stay before a quote which lies far into it
_LONGEST_QUOTED = 600
_MOST_PASSAGES = 20  # of each kind: three blocks each


def sources_modal(
    passages: Sequence[CitedPassage], *, address: str, quotes: Mapping[int, Sequence[str]] | None = None
) -> View:
    """The numbered sources with what was read of them; each opens where it lies, else in Mundap.

    All of `passages` has passed the door of whoever opens it. `quotes`: by number, what the answer says in
    the words of the source.
    """
    said = quotes or {}
    cited = [passage for passage in passages if passage.cited][:_MOST_PASSAGES]
    others = [passage for passage in passages if not passage.cited][:_MOST_PASSAGES]
    blocks: list[Block] = []
    for passage in cited:
        blocks += [{"type": "divider"}] if blocks else []
        blocks += _source(passage, address, said.get(passage.n, ()))
    if others:
        read = ngettext(
            "%(n)s other passage was read and not used",
            "%(n)s other passages were read and not used",
            len(others),
        )
        blocks += [{"type": "divider"}, *rich_text([section(words(read % {"n": len(others)}, bold=True))])]
        blocks += [block for passage in others for block in _source(passage, address, ())]
    if not blocks:
        blocks = context(gettext("None of the sources is open to you now."))
    return _modal(pgettext("of an answer", "Sources"), blocks[:MOST_BLOCKS_OF_VIEW])


def feedback_modal(turn_id: int) -> View:
    """What was wrong with an answer: reasons to tick, and words."""
    options: list[Json] = [
        {"text": plain(text, 75), "value": reason.value} for reason, text in _reason_words().items()
    ]
    blocks: list[Block] = [
        {
            "type": "input",
            "block_id": ids.REASONS_BLOCK,
            "optional": True,
            "label": plain(gettext("Why didn’t the answer help?"), 2_000),
            "element": {"type": "checkboxes", "action_id": ids.FIELD, "options": options},
        },
        {
            "type": "input",
            "block_id": ids.COMMENT_BLOCK,
            "optional": True,
            "label": plain(gettext("What should it have said?"), 2_000),
            "element": {
                "type": "plain_text_input",
                "action_id": ids.FIELD,
                "multiline": True,
                "max_length": LONGEST_COMMENT,
            },
        },
        *context(gettext("It is kept together with your question and the answer.")),
    ]
    return _form(
        pgettext("title of a window", "Feedback"),
        blocks,
        submit=gettext("Send"),
        callback=ids.FEEDBACK_SUBMIT,
        metadata=str(turn_id),
    )


def ask_about_modal(quoted: str, metadata: str) -> View:
    """A question about a message. `quoted`: its text; `metadata` comes back with the question."""
    shown = quote(words(clipped(clean(quoted).strip(), _LONGEST_QUOTED)))
    blocks: list[Block] = [
        *rich_text([shown]),
        {
            "type": "input",
            "block_id": ids.QUESTION_BLOCK,
            "label": plain(gettext("Your question about this message"), 2_000),
            "element": {
                "type": "plain_text_input",
                "action_id": ids.FIELD,
                "multiline": True,
                "min_length": 1,
                "max_length": LONGEST_ENTERED,
                "focus_on_load": True,
            },
        },
        *context(gettext("Only you see the answer.")),
    ]
    return _form(
        pgettext("title of a window", "Ask about this"),
        blocks,
        submit=pgettext("button", "Ask"),
        callback=ids.ASK_ABOUT_SUBMIT,
        metadata=metadata,
    )


def not_shared_words() -> str:
    """Why an answer is not shared, without saying who or what."""
    return gettext(
        "This answer stands on something that not everybody in this channel may read, so it wasn’t shared."
        " Ask the question in the channel to get an answer from what everybody there may read."
    )


def _source(passage: CitedPassage, address: str, quotes: Sequence[str]) -> list[Block]:
    """A source: its number and title, where and when, what was read, and the way there."""
    title = [*words(f"[{passage.n}] "), *words(source_title(passage), bold=True)]
    about = words(f"\n{where_and_when(passage)}")
    most = _LONGEST_PASSAGE if passage.cited else _LONGEST_UNUSED
    read = quote(_marked(_compact(passage.passage), [_compact(quoted) for quoted in quotes], most))
    parts = [section([*title, *about]), read]
    there = button(gettext("Open the source"), ids.source_link(passage.n), url=passage.url)
    here = button(gettext("Open in Mundap"), ids.source_link(passage.n), url=address)
    return [*rich_text(parts), *actions((there if passage.url else []) or here)]


def _compact(text: str) -> str:
    """Document text without empty lines."""
    return "\n".join(line.rstrip() for line in clean(text).split("\n") if line.strip())


def _marked(passage: str, quotes: Sequence[str], most: int) -> list[Element]:
    """The passage around its first quote, the quotes in it bold."""
    spans = sorted(
        (start, start + len(said)) for said in quotes if said and (start := passage.find(said)) >= 0
    )
    first = spans[0][0] if spans else 0
    begin = first - _BEFORE_QUOTE if first > most // 2 else 0
    end = min(len(passage), begin + most)
    elements = words("…" if begin else "")
    at = begin
    for start, stop in spans:
        start, stop = max(start, at), min(stop, end)  # noqa: PLW2901 - what is left of it
        if start < stop:
            elements += [*words(passage[at:start]), *words(passage[start:stop], bold=True)]
            at = stop
    return [*elements, *words(passage[at:end]), *words("…" if end < len(passage) else "")]


def _reason_words() -> dict[FeedbackReason, str]:
    return {
        FeedbackReason.WRONG: gettext("Something in it is wrong"),
        FeedbackReason.INCOMPLETE: gettext("Something is missing"),
        FeedbackReason.OUTDATED: gettext("It is out of date"),
        FeedbackReason.SOURCES: gettext("It stands on the wrong documents"),
        FeedbackReason.UNCLEAR: gettext("It is hard to understand"),
        FeedbackReason.OTHER: gettext("Something else"),
    }


def _modal(title: str, blocks: Sequence[Block]) -> View:
    return {
        "type": "modal",
        "title": plain(title, LONGEST_TITLE),
        "close": plain(gettext("Close"), LONGEST_TITLE),
        "blocks": list(blocks),
    }


def _form(title: str, blocks: Sequence[Block], *, submit: str, callback: str, metadata: str) -> View:
    return _modal(title, blocks) | {
        "submit": plain(submit, LONGEST_TITLE),
        "close": plain(gettext("Cancel"), LONGEST_TITLE),
        "callback_id": callback,
        "private_metadata": metadata,
    }
