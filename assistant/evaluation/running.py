"""Putting a question set to the real search and the real answerer, as one person."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from assistant.access.door import passage_texts
from assistant.access.viewer import Viewer
from assistant.chat.answering import Answer, ModelUse, answer, named_chat_model
from assistant.chat.events import Blocked, NoAnswer, Withheld
from assistant.evaluation.metrics import Question, Result
from assistant.retrieval.retrieve import Plan, retrieve

_K = 10


def evaluate(
    questions: Sequence[Question],
    *,
    viewer: Viewer,
    search_only: bool,
    progress: Callable[[int], None] = lambda _done: None,
) -> list[Result]:
    """One result a question. The first search is made once before, so that no model's loading is timed."""
    retrieve(questions[0].question, viewer=viewer)
    results = []
    for done, question in enumerate(questions, start=1):
        searched = _search(question, viewer)
        results.append(searched if search_only else _ask(searched, viewer))
        progress(done)
    return results


def _search(question: Question, viewer: Viewer) -> Result:
    began = time.perf_counter()
    evidence = retrieve(question.question, viewer=viewer, plan=Plan(k=_K, one_per_document=True))
    ms = (time.perf_counter() - began) * 1000
    return Result(question, tuple(hit.passage.external_id for hit in evidence.hits), ms)


def _ask(searched: Result, viewer: Viewer) -> Result:
    began = time.perf_counter()
    collected = Answer()
    refused = False
    model = named_chat_model(ModelUse(viewer))
    for event in answer(searched.question.question, viewer=viewer, model=model, into=collected):
        refused = refused or isinstance(event, NoAnswer | Blocked | Withheld)
    ms = (time.perf_counter() - began) * 1000
    said = [(cited.passage, start, end) for cited in collected.cited for start, end in cited.quotes]
    stored = passage_texts(
        viewer, [(passage.document_id, passage.version, start, end) for passage, start, end in said]
    )
    quotes = tuple(passage.text[start - passage.start : end - passage.start] for passage, start, end in said)
    return Result(
        question=searched.question,
        ranked=searched.ranked,
        ms=ms,
        refused=refused,
        quotes=quotes,
        quotes_right=sum(quote == text for quote, text in zip(quotes, stored, strict=True)),
    )
