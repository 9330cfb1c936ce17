"""The events of a turn, as every renderer (page, command line, later Slack and API) receives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistant.common.types import JsonObject


@dataclass(frozen=True, slots=True)
class Status:
    """What is being done: step "searching", "reading" (with a count of documents) or "writing".

    Before these, "files" while files of the conversation are still being read, and "left_out" once, where
    some could not be; both with how many.
    """

    step: str
    documents: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """A released piece of the answer: one checked sentence and the citation numbers it cites.

    `quoted`: it holds nothing but what it cites. Any other sentence stands on all that was read for it.
    `general`: a language model knows it by itself; no document says it. `calculated`: it was worked out from
    the table that it cites, as what ("sum", "average", ...; "cell": read at one place), "" where it was not.
    `short`: from where to before where the text answers by itself, None where nothing is so short.
    """

    text: str
    citations: tuple[int, ...]
    quoted: bool = False
    general: bool = False
    calculated: str = ""
    short: tuple[int, int] | None = None

    @property
    def short_answer(self) -> str:
        """The few characters of the text that answer by themselves."""
        return self.text[self.short[0] : self.short[1]] if self.short else ""

    @property
    def around_short(self) -> tuple[str, str]:
        """What stands before and after the short answer."""
        start, end = self.short or (len(self.text), len(self.text))
        return self.text[:start], self.text[end:]


@dataclass(frozen=True, slots=True)
class Searched:
    """The question as it was searched for, where it was made whole from the conversation."""

    question: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the answer begins. Its title is words of the question and never of a document.

    `layout`: "part", "side" (two of them stand beside each other) or "list"; without a title the parts are
    over and what follows belongs to all of them.
    """

    title: str
    layout: str = "part"


@dataclass(frozen=True, slots=True)
class NotedSource:
    """A numbered source that a note speaks of, without its title: that is asked for when it is shown.

    `day` is an ISO day, month or year, and `dated` what it is the date of (`providers.source_dates.Dated`).
    `until`: the day on which it says that it ended, or "". `quote`: what it says, of a conflict.
    """

    n: int
    document: int
    day: str
    dated: str
    until: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be known of the sources of an answer.

    `kind` "superseded": the first source is an older version, the second replaced it. "ended": the one source
    says that it no longer holds. "conflict": they say different things of what was asked, newest first.
    "uncalculated": the sources hold tables that were meant and that nothing is calculated from; `why` not
    (`tables.answering.Why`), and which `columns` it is about.
    A note stands on all its sources and is shown only to those who may read every one of them.
    """

    kind: str
    sources: tuple[NotedSource, ...]
    why: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """One numbered source of the answer, after the door."""

    n: int
    document_id: int
    external_id: str
    title: str
    source: str
    url: str
    place: str
    place_kind: str
    headings: str
    passage: str
    modified_at: str  # RFC 3339 or empty
    synced_at: str
    cited: bool  # False: read, but no sentence stands on it and no note names it
    day: str = ""  # ISO day, month or year
    dated: str = ""  # what it is the date of


@dataclass(frozen=True, slots=True)
class Citations:
    """All numbered sources, cited ones first. Sent once, before `Done`."""

    passages: tuple[CitedPassage, ...]


@dataclass(frozen=True, slots=True)
class Blocked:
    """A topic rule stopped the turn."""

    topic: str
    message: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The readable documents hold no answer. `documents`: how many were searched."""

    documents: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """Something that the answer stands on may no longer be read; nothing of it is shown."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn could not be finished. `code` is catalogued; `reference` finds the log line."""

    code: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """The end. `stopped`: by the person. `ms`: how long it took."""

    ms: int
    stopped: bool = False


TurnEvent = (
    Status | Searched | Section | Token | Note | Citations | Blocked | NoAnswer | Withheld | Failed | Done
)

KINDS: dict[str, type[TurnEvent]] = {
    "status": Status,
    "searched": Searched,
    "section": Section,
    "token": Token,
    "note": Note,
    "citations": Citations,
    "blocked": Blocked,
    "no_answer": NoAnswer,
    "withheld": Withheld,
    "failed": Failed,
    "done": Done,
}
NAMES = {kind: name for name, kind in KINDS.items()}
LAST = (Done, Failed, Blocked, Withheld)  # nothing follows one of these


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event with its place in the turn, for `Last-Event-ID`."""

    seq: int
    event: TurnEvent

    @property
    def kind(self) -> str:
        """The event's name on the wire."""
        return NAMES[type(self.event)]


def to_payload(event: TurnEvent) -> JsonObject:  # noqa: C901 - a line an event
    """The event's fields as JSON, without document text: citations are stored as rows, not here."""
    match event:
        case Status(step, documents):
            return {"step": step, "documents": documents}
        case Searched(question):
            return {"question": question}
        case Section(title, layout):
            return {"title": title, "layout": layout}
        case Token(text, citations, quoted, general, calculated, short):
            payload: JsonObject = {"text": text, "citations": list(citations), "quoted": quoted}
            marks: JsonObject = {"general": general, "calculated": calculated, "short": list(short or ())}
            return {**payload, **{name: mark for name, mark in marks.items() if mark}}
        case Note(kind, sources, why, columns):
            noted: JsonObject = {"kind": kind, "sources": [_noted(source) for source in sources]}
            return {**noted, "why": why, "columns": list(columns)} if why else noted
        case Citations():
            return {}
        case Blocked(topic, message):
            return {"topic": topic, "message": message}
        case NoAnswer(documents):
            return {"documents": documents}
        case Withheld():
            return {}
        case Failed(code, reference):
            return {"code": code, "reference": reference}
        case Done(ms, stopped):
            return {"ms": ms, "stopped": stopped}


def stored_token(payload: Mapping[str, Any], *, model: str) -> Token:
    """The sentence that `to_payload` stored for a turn that `model` answered.

    One from before `quoted` was stored holds quotes alone exactly if the extractive model gave it.
    """
    return Token(
        text=payload["text"],
        citations=tuple(payload["citations"]),
        quoted=payload.get("quoted", model == "extractive"),
        general=payload.get("general", False),
        calculated=payload.get("calculated", ""),
        short=_span(payload.get("short"), payload["text"]),
    )


def _span(stored: object, text: str) -> tuple[int, int] | None:
    """A stretch of the text as it was stored, if it is one."""
    match stored:
        case [int(start), int(end)] if 0 <= start < end <= len(text):
            return start, end
    return None


def _noted(source: NotedSource) -> JsonObject:
    told: JsonObject = {"n": source.n, "document": source.document, "day": source.day, "dated": source.dated}
    return {
        **told,
        **{name: value for name, value in (("until", source.until), ("quote", source.quote)) if value},
    }


def stored_note(payload: Mapping[str, Any]) -> Note:
    """The note that `to_payload` stored."""
    sources = tuple(NotedSource(**source) for source in payload["sources"])
    return Note(payload["kind"], sources, payload.get("why", ""), tuple(payload.get("columns", ())))


def rests_on_citations(sentence: Token) -> bool:
    """Whether the sentence says nothing but what its citations say, or what follows from their figures."""
    return (sentence.quoted or bool(sentence.calculated)) and bool(sentence.citations)
