"""Search results and answers as plain JSON values, for the command line and the evaluation."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from assistant.access.viewer import Viewer
from assistant.catalogue.selectors import model_for_turn
from assistant.chat.answering import Answer, Cited, ModelUse, answer, checked_question, named_chat_model
from assistant.chat.events import Blocked, NoAnswer, Section, Status, Token, Withheld
from assistant.chat.styles import manner_for
from assistant.common.types import Json, JsonObject
from assistant.guardrails.inspect import shown_passage
from assistant.retrieval.filters import NO_FILTERS, Filters
from assistant.retrieval.folding import Folded
from assistant.retrieval.retrieve import Plan, retrieve
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


def ask(text: str, *, viewer: Viewer, model: str = "", filters: Filters = NO_FILTERS) -> dict[str, Json]:
    """A whole turn outside any conversation, over the documents that fit the filters.

    Raises:
        ModelNotOffered: there is no `model` of this name for the viewer, or none any more.
    """
    chat_model = named_chat_model(ModelUse(viewer, model))
    question = checked_question(text)
    warm_up()
    began = time.perf_counter()
    collected = Answer(filters, manner_for(viewer))
    parts = [_Part()]
    blocked: dict[str, Json] | None = None
    no_answer = False
    short = worked_out = ""  # of the first sentence that has one
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
            case NoAnswer():
                no_answer = True
            case Withheld():
                short = worked_out = ""
                parts.clear()
                collected.cited.clear()
                no_answer = True
    collected.tally.audit(viewer=viewer, turn=None)
    return {
        "answer": "\n\n".join(part.text for part in parts if part.text),
        "short_answer": short,
        "calculated": worked_out,
        "no_answer": no_answer,
        "blocked": blocked,
        "citations": [_citation(cited, viewer) for cited in collected.cited],
        "ms": round((time.perf_counter() - began) * 1000),
    }


@dataclass(slots=True)
class _Part:
    """A part of the answer as text: its heading on a line of its own, then its sentences."""

    title: str = ""
    between: str = " "
    sentences: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(filter(None, (self.title, self.between.join(self.sentences))))


def _citation(cited: Cited, viewer: Viewer) -> JsonObject:
    passage = cited.passage
    shown = shown_passage(passage.text, viewer=viewer)
    return {
        "n": cited.n,
        "external_id": passage.external_id,
        "title": passage.title,
        "page": page_number(passage.place),
        "passage": shown.text,
        "quotes": [shown.part(start - passage.start, end - passage.start) for start, end in cited.quotes],
    }


def page_number(place: str) -> Json:
    """A page or slide as a number, a sheet by its name, None where there is neither."""
    return int(place) if place.isascii() and place.isdigit() else (place or None)
