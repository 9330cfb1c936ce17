"""How does a turn look in Slack, while it grows and when it is over? From its events, and nothing else.

What is drawn has passed the door of whoever gave the events. A note needs the titles of its sources, which
come with `Citations`; a note whose sources did not all come is left out. In a channel, seen by all its
members, what only the person who asked is told on the web is not drawn: the question as it was searched for,
counts, the reference of a failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from django.utils import formats
from django.utils.translation import gettext, ngettext, pgettext

from assistant.chat.events import (
    LAST,
    Blocked,
    Citations,
    CitedPassage,
    Done,
    Failed,
    NoAnswer,
    Note,
    Searched,
    Section,
    Status,
    Token,
    TurnEvent,
    Withheld,
)
from assistant.chat.note_words import ShownNote
from assistant.chat.outcome_words import OutcomeWords, outcome_words
from assistant.chat.reading import AnswerPart
from assistant.slackbot import actions as ids
from assistant.slackbot.rendering.blocks import (
    LONGEST_MESSAGE,
    MOST_BLOCKS,
    Block,
    Element,
    actions,
    bullets,
    button,
    clean,
    clipped,
    context,
    escaped,
    length,
    link,
    one_line,
    person,
    quote,
    rich_text,
    section,
    words,
)
from assistant.slackbot.rendering.sentences import DrawnAnswer, as_text, draw
from assistant.slackbot.rendering.sources import note_list, shown_notes, source_list

_LONGEST_QUESTION = 300
_LONGEST_FALLBACK = 600  # characters before escaping, which makes at most five of one
_LEAST_ROOM = 2_000
_LONGEST_LINE = 1_000  # of what an administrator wrote for a blocked topic


class Where(Enum):
    """Who sees the message."""

    DIRECT = "direct"
    PRIVATE = "private"  # in a channel, and only the person who asked sees it
    CHANNEL = "channel"  # all members of the channel


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `text` stands in notifications and says no more than the blocks do.

    Its `&`, `<` and `>` are escaped. Send it with `mrkdwn=False`, `parse="none"`, `link_names=False` and both
    unfurls off.
    """

    text: str
    blocks: tuple[Block, ...]


class Drawing:
    """One turn as it grows.

    `question`: as it was stored, so without what a rule masks. `asker`: a Slack user's id. `address`: the
    conversation in Mundap, as an absolute URL. `files_only`: only the conversation's files are asked.
    """

    def __init__(  # noqa: PLR0913 - the facts of a turn, all by name
        self,
        *,
        turn_id: int,
        question: str,
        asker: str,
        where: Where,
        address: str,
        is_draft: bool = False,
        masked: bool = False,
        files_only: bool = False,
    ) -> None:
        self._turn_id = turn_id
        self._question = question
        self._asker = asker
        self._where = where
        self._address = address
        self._is_draft = is_draft
        self._masked = masked
        self._files_only = files_only
        self._status = Status("searching")
        self._left_out = 0
        self._searched = ""
        self._parts: list[AnswerPart] = [AnswerPart("", "part", ())]
        self._notes: list[Note] = []
        self._passages: tuple[CitedPassage, ...] = ()
        self._outcome: TurnEvent | None = None
        self._stopped = False
        self.over = False

    def take(self, event: TurnEvent) -> None:  # noqa: C901 - a line an event
        """Add the next event. What comes after the end is ignored."""
        if self.over:
            return
        match event:
            case Status("left_out", documents):
                self._left_out = documents
            case Status():
                self._status = event
            case Searched(question):
                self._searched = question
            case Section(title, layout):
                self._parts.append(AnswerPart(title, layout, ()))
            case Token(text) if clean(text).strip():
                last = self._parts[-1]
                self._parts[-1] = replace(last, sentences=(*last.sentences, event))
            case Note():
                self._notes.append(event)
            case Citations(passages):
                self._passages = passages
            case Blocked() | Withheld():
                self._forget()
                self._outcome = event
            case NoAnswer() | Failed():
                self._outcome = event
            case Done(stopped=stopped):
                self._stopped = stopped
        self.over = isinstance(event, LAST)

    def message(self) -> Message:
        """What the message shows now."""
        outcome = self._outcome_words()
        above, below = self._above(), self._below(outcome)
        room = max(LONGEST_MESSAGE - length([*above, *below]), _LEAST_ROOM)
        answer = draw(
            self._shown_parts(),
            is_draft=self._is_draft,
            empty_part=self._empty_part(),
            room=room,
            most=MOST_BLOCKS - len(above) - len(below) - 1,
        )
        continued = [] if answer.is_whole else self._continued()
        blocks = [*above, *answer.blocks, *continued, *below]
        return Message(escaped(self._fallback(answer, outcome)), tuple(blocks))

    def _forget(self) -> None:
        """Nothing of the answer, nor of what it stands on, is shown."""
        self._parts = [AnswerPart("", "part", ())]
        self._notes = []
        self._passages = ()
        self._searched = ""

    @property
    def _is_public(self) -> bool:
        return self._where is Where.CHANNEL

    @property
    def _sentences(self) -> tuple[Token, ...]:
        return tuple(sentence for part in self._parts for sentence in part.sentences)

    def _shown_parts(self) -> Sequence[AnswerPart]:
        shows = self._outcome is None or self._sentences
        return [part for part in self._parts if shows and (part.sentences or part.title)]

    def _empty_part(self) -> str:
        if not self.over:
            return ""
        if self._is_public:
            return gettext("The documents that everybody here may read say nothing about this.")
        return gettext("The documents that you may read say nothing about this.")

    def _outcome_words(self) -> OutcomeWords | None:
        return outcome_words(
            self._outcome,
            noted=bool(self._shown_notes()),
            files_only=self._files_only,
            for_everybody=self._is_public,
            on_page=False,
        )

    def _shown_notes(self) -> list[ShownNote]:
        """Notes stand below an answer, or say why there is none."""
        told = self._sentences or isinstance(self._outcome, NoAnswer)
        return shown_notes(self._notes, self._passages) if told else []

    def _above(self) -> list[Block]:
        """What stands before the answer."""
        lines: list[str] = []
        if self._files_only:
            lines.append(gettext("Asked of this conversation’s files only"))
        if self._left_out:
            lines.append(
                ngettext(
                    "%(n)s file couldn’t be read and was left out.",
                    "%(n)s files couldn’t be read and were left out.",
                    self._left_out,
                )
                % {"n": self._left_out}
            )
        if self._masked:
            lines.append(gettext("What has to stay private was hidden before the search."))
        if self._searched and not self._is_public:
            lines.append(f"{gettext('Searched for:')} {one_line(self._searched, _LONGEST_QUESTION)}")
        if self._is_draft and self._sentences:
            lines.append(_draft_words(has_sources=bool(self._passages)))
        return [*self._asked(), *(block for line in lines for block in context(line))]

    def _asked(self) -> list[Block]:
        """Who asked what: nothing where the question stands right above."""
        if self._where is Where.DIRECT:
            return []
        question = quote(words(one_line(self._question, _LONGEST_QUESTION)))
        who = person(self._asker) if self._is_public else []
        if not who:
            return rich_text([question])
        before, _, after = gettext("%(person)s asked:").partition("%(person)s")
        return rich_text([section([*words(before), *who, *words(after)]), question])

    def _continued(self) -> list[Block]:
        """That there is more of the answer, and where."""
        there = link(gettext("Continue in Mundap"), self._address)
        return rich_text([section([*words(gettext("The answer is longer than fits here.") + " "), *there])])

    def _below(self, outcome: OutcomeWords | None) -> list[Block]:
        """What stands after the answer."""
        if not self.over:
            return context(_step_words(self._status))
        return [
            *outcome_blocks(outcome),
            *context(self._end_words() if self._stopped or not (self._sentences or outcome) else ""),
            *note_list(self._shown_notes()),
            *source_list(self._named()),
            *self._for_whom(),
            *self._buttons(),
        ]

    def _named(self) -> list[CitedPassage]:
        """The sources that a sentence or a note names: gaps among the others tell how many are left out."""
        numbers = {n for sentence in self._sentences for n in sentence.citations}
        numbers |= {source.n for note in self._shown_notes() for source in note.sources}
        return [passage for passage in self._passages if passage.n in numbers]

    def _for_whom(self) -> list[Block]:
        """From whose documents it is made, where that is not plain."""
        if not self._sentences or self._where is Where.DIRECT:
            return []
        if self._is_public:
            return context(gettext("Answered from what everybody in this channel may read."))
        return context(gettext("Answered from what you may read. Only you see this message."))

    def _buttons(self) -> list[Block]:
        turn = str(self._turn_id)
        label = pgettext("of an answer", "Sources")
        answered = bool(self._sentences)
        shown = self._outcome is None and answered
        return actions(
            button(label, ids.SOURCES, value=turn) if self._named() else [],
            button(gettext("Useful"), ids.USEFUL, value=turn) if shown else [],
            button(gettext("Not useful"), ids.NOT_USEFUL, value=turn) if shown else [],
            [] if isinstance(self._outcome, Blocked) else button(gettext("Ask again"), ids.AGAIN, value=turn),
            button(gettext("Share with the channel"), ids.SHARE, value=turn)
            if shown and self._where is Where.PRIVATE
            else [],
            []
            if self._is_public
            else button(gettext("Open in Mundap"), ids.OPEN, value=turn, url=self._address),
        )

    def _fallback(self, answer: DrawnAnswer, outcome: OutcomeWords | None) -> str:
        """What a notification shows: sentences of the blocks, else how it ended, else what runs."""
        if answer.shown:
            return as_text(answer.shown, _LONGEST_FALLBACK)
        if outcome is not None and self.over:
            return one_line(outcome.title, _LONGEST_QUESTION)
        return self._end_words() if self.over else _step_words(self._status)

    def _end_words(self) -> str:
        return gettext("This answer was stopped.") if self._stopped else gettext("There was no answer")


def outcome_blocks(outcome: OutcomeWords | None) -> list[Block]:
    """A title, why, what one can try, and the reference for support."""
    if outcome is None:
        return []
    why = [section(words(f"{clipped(clean(line), _LONGEST_LINE)}\n")) for line in outcome.lines]
    hints = [bullets(words(clean(hint)) for hint in outcome.hints)] if outcome.hints else []
    reference: list[Element] = []
    if outcome.reference:
        label = gettext("Reference for support:")
        reference = [
            section([*words(f"{label} "), *words(one_line(outcome.reference, _LONGEST_QUESTION), code=True)])
        ]
    title = section(words(f"{one_line(outcome.title, _LONGEST_QUESTION)}\n", bold=True))
    return rich_text([title, *why, *hints, *reference])


def _draft_words(*, has_sources: bool) -> str:
    if has_sources:
        return gettext(
            "A draft by the language model. Only lines with a number come from company documents; check the"
            " rest before you use it."
        )
    return gettext("A draft by the language model, not from company documents. Check it before you use it.")


def _step_words(status: Status) -> str:
    """What is being done."""
    match status:
        case Status("files"):
            return gettext("Reading files")
        case Status("reading", 1):
            return gettext("Reading 1 document")
        case Status("reading", documents) if documents:
            shown = formats.number_format(documents, force_grouping=True)
            return gettext("Reading {n} documents").replace("{n}", shown)
        case Status("reading"):
            return gettext("Reading")
        case Status("writing"):
            return gettext("Writing")
        case _:
            return gettext("Searching")
