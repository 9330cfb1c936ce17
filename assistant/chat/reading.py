"""Conversations as their owner reads them, after the door. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from assistant.chat.events import CitedPassage, Token, TurnEvent
from assistant.documents.reading import OpenDocument


@dataclass(frozen=True, slots=True)
class ConversationItem:
    """One line of the conversation list, newest first."""

    id: int
    title: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn to be drawn. While `is_open`, the rest comes from the stream after `last_seq`.

    `outcome` is Blocked, NoAnswer, Withheld, Failed or None; when Withheld,
    sentences and passages are empty.
    """

    id: int
    question: str
    language: str
    state: str
    is_open: bool
    last_seq: int
    sentences: tuple[Token, ...]
    passages: tuple[CitedPassage, ...]
    outcome: TurnEvent | None


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A conversation with all its turns, oldest first."""

    id: int
    title: str
    turns: tuple[TurnView, ...]


@dataclass(frozen=True, slots=True)
class CitedSource:
    """What a citation chip opens: the document, the passage read and the quotes in it.

    All offsets count characters of the document's text. `changed`: the document has
    another version now, so offsets are void and `passage` and `quotes` are empty.
    """

    n: int
    document: OpenDocument
    passage: tuple[int, int] | None
    quotes: tuple[tuple[int, int], ...]
    changed: bool
