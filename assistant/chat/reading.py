"""Conversations as their owner or a colleague reads them, after the door. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from assistant.chat.events import CitedPassage, Token, TurnEvent, Withheld
from assistant.chat.note_words import ShownNote
from assistant.chat.scope import Scope
from assistant.documents.reading import OpenDocument


@dataclass(frozen=True, slots=True)
class ConversationItem:
    """One line of the conversation list, newest first."""

    id: int
    title: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """A part of an answer with the words that head it, if any. `layout` as in `events.Section`."""

    title: str
    layout: str
    sentences: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class PartRow:
    """Parts that are drawn together: two sides of a comparison, or one part alone."""

    layout: str
    parts: tuple[AnswerPart, ...]


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn to be drawn. While `is_open`, the rest comes from the stream after `last_seq`.

    `outcome` is Blocked, NoAnswer, Withheld, Failed or None; when Withheld,
    sentences and passages are empty. `scope`: what the search was narrowed to; `searched`: the question as it
    was searched for, where it differs; `model`: the key of the model that was asked; `model_name`: empty
    where the owner may not use it now; all told to the owner only. `parts` hold the sentences under headings,
    where there are any. `is_draft`: a draft was wanted. `masked`: parts of the question were masked before it
    was stored. `files`: what part the conversation's own files have in it (`models.FilesAsked`), and
    `left_out`, how many of them could not be read; told to the owner only. `notes`: what
    is to be known of its sources.
    """

    id: int
    asked_at: datetime
    question: str
    language: str
    state: str
    is_open: bool
    last_seq: int
    sentences: tuple[Token, ...]
    passages: tuple[CitedPassage, ...]
    outcome: TurnEvent | None
    scope: Scope | None = None
    masked: bool = False
    parts: tuple[AnswerPart, ...] = ()
    searched: str = ""
    is_draft: bool = False
    model: str = ""
    model_name: str = ""
    files: str = ""
    left_out: int = 0
    notes: tuple[ShownNote, ...] = ()

    @property
    def rows(self) -> tuple[PartRow, ...]:
        """The parts as they are drawn: sides that follow each other in one row."""
        rows: list[PartRow] = []
        whole = (AnswerPart("", "part", self.sentences),) if self.sentences else ()
        for part in self.parts or whole:
            if rows and part.layout == "side" and rows[-1].layout == "side":
                rows[-1] = PartRow("side", (*rows[-1].parts, part))
            else:
                rows.append(PartRow(part.layout, (part,)))
        return tuple(rows)


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A conversation with all its turns, oldest first. `is_shared`: a link to it is open."""

    id: int
    title: str
    turns: tuple[TurnView, ...]
    is_shared: bool


@dataclass(frozen=True, slots=True)
class ShareState:
    """What the owner sees of sharing a conversation.

    `token` is empty and `shared_at` None while it is not shared. `covered` turns are in the link, `newer`
    finished ones are not.
    """

    conversation_id: int
    title: str
    token: str
    shared_at: datetime | None
    covered: int
    newer: int


@dataclass(frozen=True, slots=True)
class SharedConversation:
    """A shared conversation as a reader may see it now, oldest turn first. `is_mine`: the reader owns it."""

    token: str
    title: str
    owner: str
    shared_at: datetime
    is_mine: bool
    turns: tuple[TurnView, ...]

    @property
    def nothing_open(self) -> bool:
        """Whether not one of the answers is open to this reader."""
        return all(isinstance(turn.outcome, Withheld) for turn in self.turns)


@dataclass(frozen=True, slots=True)
class FoldedSource:
    """A document whose passage the cited one stands for. `is_older`: as an older version, else as a copy."""

    id: int
    title: str
    source: str
    is_older: bool


@dataclass(frozen=True, slots=True)
class CitedSource:
    """What a citation chip opens: the document, the passage read and the quotes in it.

    All offsets count characters of the document's text. `changed`: the document has
    another version now, so offsets are void and `passage`, `quotes` and `folded` are empty. `day`, `dated`:
    of when it is, as in `events.NotedSource`.
    """

    n: int
    document: OpenDocument
    passage: tuple[int, int] | None
    quotes: tuple[tuple[int, int], ...]
    changed: bool
    folded: tuple[FoldedSource, ...] = ()
    day: str = ""
    dated: str = ""

    @property
    def copies(self) -> list[FoldedSource]:
        """Documents that hold the passage too."""
        return [one for one in self.folded if not one.is_older]

    @property
    def older(self) -> list[FoldedSource]:
        """Documents that the cited one has replaced."""
        return [one for one in self.folded if one.is_older]


def place_label(kind: str, place: str) -> str:
    """`Page 3`, `Slide 2`, `Sheet “Prices”` in the reader's language; empty where there are no places."""
    if not place:
        return ""
    labels = {
        "page": gettext("Page %(place)s"),
        "slide": gettext("Slide %(place)s"),
        "sheet": gettext("Sheet “%(place)s”"),
    }
    return labels.get(kind, "%(place)s") % {"place": place}
