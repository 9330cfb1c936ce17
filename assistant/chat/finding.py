"""Search results and answers as plain JSON values, for the command line and the evaluation."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils import translation

from assistant.access.viewer import Viewer
from assistant.catalogue.selectors import model_for_turn
from assistant.chat.answering import (
    Answer,
    Cited,
    ModelUse,
    answer,
    checked_question,
    named_chat_model,
    writes_itself,
)
from assistant.chat.events import Blocked, NoAnswer, Note, Section, Status, Token, Withheld
from assistant.chat.models import TurnMode
from assistant.chat.note_words import ShownNote, noted_json
from assistant.chat.noted import shown_notes
from assistant.chat.styles import manner_for
from assistant.common.analysis import language_of
from assistant.common.errors import UsageError
from assistant.common.types import Json, JsonObject
from assistant.guardrails.inspect import shown_passage
from assistant.providers.source_dates import UNKNOWN_STANDING, Standing
from assistant.retrieval.filters import NO_FILTERS, Filters
from assistant.retrieval.folding import Folded
from assistant.retrieval.retrieve import Plan, retrieve
from assistant.retrieval.standing import standings
from assistant.retrieval.warm_up import warm_up


def search(text: str, *, viewer: Viewer, k: int, filters: Filters = NO_FILTERS) -> list[dict[str, Json]]:
    """The best passage of each of the `k` best documents that fit the filters.

    Copies and older versions stand under `also`.
    """
    plan = Plan(k=k, one_per_document=True, filters=filters, fold=True)
    evidence = retrieve(checked_question(text), viewer=viewer, plan=plan)
    return [
        {
            "rank": rank,
            "document": hit.passage.document_id,
            "external_id": hit.passage.external_id,
            "title": hit.passage.title,
            "page": page_number(hit.passage.place),
            "passage": hit.passage.text,
            "score": round(hit.score, 6),
            "also": [_also(folded) for folded in hit.folded],
        }
        for rank, hit in enumerate(evidence.hits, start=1)
    ]


def _also(folded: Folded) -> JsonObject:
    passage = folded.passage
    return {"external_id": passage.external_id, "title": passage.title, "reason": folded.reason.value}


def ask(
    text: str,
    *,
    viewer: Viewer,
    model: str = "",
    mode: str = TurnMode.ANSWER,
    filters: Filters = NO_FILTERS,
) -> dict[str, Json]:
    """A whole turn outside any conversation, over the documents that fit the filters.

    `mode` may ask for a draft, which is no answer: its lines claim no source unless they are cited.

    Raises:
        ModelNotOffered: there is no `model` of this name for the viewer, or none any more.
        UsageError: a draft is wanted and none are offered, or the model only quotes.
    """
    chat_model = named_chat_model(ModelUse(viewer, model))
    question = checked_question(text)
    manner = manner_for(viewer, mode)
    if manner.drafts and not writes_itself(chat_model):
        raise UsageError("Drafts are not offered here. Ask for an answer instead.")
    warm_up()
    began = time.perf_counter()
    collected = Answer(filters, manner)
    parts = [_Part("", "\n" if manner.drafts else " ")]
    blocked: dict[str, Json] | None = None
    no_answer = False
    short = worked_out = ""  # of the first sentence that has one
    notes: list[Note] = []
    for event in answer(question, viewer=viewer, model=chat_model, into=collected):
        match event:
            case Status(step="writing"):
                model_for_turn(viewer, model)  # the right to use it may have gone while it searched
            case Section(title, layout):
                parts.append(_Part(title, "\n" if layout == "list" else " "))
            case Token(text=sentence):
                parts[-1].sentences.append(sentence)
                short = short or event.short_answer
                worked_out = worked_out or event.calculated
            case Blocked(topic, message):
                short = worked_out = ""
                blocked = {"topic": topic, "message": message}
            case Note():
                notes.append(event)
            case NoAnswer():
                no_answer = True
            case Withheld():
                short = worked_out = ""
                parts.clear()
                notes.clear()
                collected.cited.clear()
                no_answer = True
    collected.tally.audit(viewer=viewer, turn=None)
    known = standings(viewer, {cited.passage.document_id for cited in collected.cited})
    return {
        "draft": manner.drafts,
        "answer": "\n\n".join(part.text for part in parts if part.text),
        "short_answer": short,
        "calculated": worked_out,
        "no_answer": no_answer,
        "blocked": blocked,
        "notes": _in_words(shown_notes(viewer, notes), language_of(question)),
        "citations": [_citation(cited, viewer, known) for cited in collected.cited],
        "ms": round((time.perf_counter() - began) * 1000),
    }


def _in_words(notes: Sequence[ShownNote], language: str) -> list[Json]:
    """The notes in the language of the question, like the answer."""
    with translation.override(language):
        return [noted_json(note) for note in notes]


@dataclass(slots=True)
class _Part:
    """A part of the answer as text: its heading on a line of its own, then its sentences."""

    title: str = ""
    between: str = " "
    sentences: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(filter(None, (self.title, self.between.join(self.sentences))))


def _citation(cited: Cited, viewer: Viewer, known: Mapping[int, Standing]) -> JsonObject:
    passage = cited.passage
    dates = known.get(passage.document_id, UNKNOWN_STANDING).dates
    shown = shown_passage(passage.text, viewer=viewer)
    return {
        "n": cited.n,
        "external_id": passage.external_id,
        "title": passage.title,
        "page": page_number(passage.place),
        "date": dates.day,
        "date_kind": dates.dated.value,
        "passage": shown.text,
        "quotes": [shown.part(start - passage.start, end - passage.start) for start, end in cited.quotes],
    }


def page_number(place: str) -> Json:
    """A page or slide as a number, a sheet by its name, None where there is neither."""
    return int(place) if place.isascii() and place.isdigit() else (place or None)
