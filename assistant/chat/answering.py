"""A question's way to its answer: inspect, retrieve, read, write, check, release.

One synchronous generator, used alike by the page, the command line and the
evaluation. Each sentence is inspected, and the documents it stands on pass the
door, at the moment it is released.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from assistant.access.door import Passage, may_still_read
from assistant.access.viewer import Viewer
from assistant.catalogue.accounting import bookkeeper
from assistant.catalogue.opening import opened
from assistant.catalogue.selectors import model_for_turn
from assistant.chat.events import (
    Blocked,
    Done,
    NoAnswer,
    Status,
    Token,
    TurnEvent,
    Withheld,
    rests_on_citations,
)
from assistant.chat.restriction import restricted
from assistant.chat.stretches import PassageVerdicts, Stretch, may_be_used, stretches_of
from assistant.common.analysis import language_of
from assistant.common.errors import UsageError
from assistant.guardrails.inspect import inspect, support_for
from assistant.guardrails.tally import Tally
from assistant.guardrails.verdict import Action, Stage
from assistant.providers.contract import (
    AnswerSentence,
    ChatModel,
    ContextWanted,
    ModelRequest,
    Source,
    never,
)
from assistant.retrieval.filters import NO_FILTERS, Filters
from assistant.retrieval.folding import Folded
from assistant.retrieval.narrowing import count_fitting
from assistant.retrieval.retrieve import Plan, retrieve

MAX_QUESTION = 4_000
_PASSAGES = 8


@dataclass(slots=True)
class Cited:
    """One passage of the answer under its number, with the quotes in the document's text."""

    n: int
    passage: Passage
    quotes: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    """Filled while `answer` runs: what was read and what is cited, in the order of the numbers.

    `filters` are given: what is searched; a guardrail may narrow them. `folded` says by chunk id for which
    other passages one that was read stands. `tally` counts what guardrails found.
    """

    filters: Filters = NO_FILTERS
    cited: list[Cited] = field(default_factory=list)
    read: list[Passage] = field(default_factory=list)
    folded: dict[int, tuple[Folded, ...]] = field(default_factory=dict)
    worded: bool = False
    tally: Tally = field(default_factory=Tally)

    def stands_on(self) -> set[int]:
        """Ids of the documents that the sentences so far may say something of."""
        passages = self.read if self.worded else [cited.passage for cited in self.cited]
        return {passage.document_id for passage in passages}

    def number(self, passage: Passage) -> Cited:
        """The passage's number: numbers count up in the order in which passages are first cited."""
        for known in self.cited:
            if known.passage.chunk_id == passage.chunk_id:
                return known
        self.cited.append(Cited(n=len(self.cited) + 1, passage=passage))
        return self.cited[-1]

    def uncited(self) -> list[Passage]:
        """Passages that were read and that no sentence stands on."""
        used = {cited.passage.chunk_id for cited in self.cited}
        return [passage for passage in self.read if passage.chunk_id not in used]


@dataclass(frozen=True, slots=True)
class ModelUse:
    """Who wants a model, by its name or key (empty: their default), and for which turn if it is stored."""

    viewer: Viewer
    wanted: str = ""
    turn_id: int | None = None


def named_chat_model(use: ModelUse) -> ChatModel:
    """The chat model that somebody wants, if they may use it now. Its calls are accounted for.

    Raises:
        ModelNotOffered: there is none of this name for them.
        ModelUnavailable: it cannot be opened.
    """
    entry = model_for_turn(use.viewer, use.wanted)
    return opened(entry, spent=bookkeeper(entry, turn_id=use.turn_id))


def checked_question(question: str) -> str:
    """The question, trimmed.

    Raises:
        UsageError: empty, or longer than 4,000 characters.
    """
    question = question.strip()
    if not question:
        raise UsageError("Ask a question: the text is empty.")
    if len(question) > MAX_QUESTION:
        raise UsageError(f"The question has {len(question)} characters; at most {MAX_QUESTION} fit.")
    return question


def answer(
    question: str,
    *,
    viewer: Viewer,
    model: ChatModel,
    into: Answer,
    stop: Callable[[], bool] = never,
) -> Iterator[TurnEvent]:
    """The events of one turn, up to and including the last one; `into` collects what they cite.

    `stop` is asked between sentences and while a model is waited for. Only documents that fit
    `into.filters` are searched.

    Raises:
        ModelUnavailable, IndexDamaged: the turn cannot be finished.
    """
    began = time.perf_counter()
    yield Status("searching")
    verdict = inspect(question, stage=Stage.QUESTION, viewer=viewer)
    into.tally.add(Stage.QUESTION, verdict.hits)
    if verdict.blocked:
        yield Blocked(verdict.topic, verdict.message)
        return
    question = verdict.text
    into.filters = restricted(into.filters, verdict.sources)
    plan = Plan(
        k=_PASSAGES,
        filters=into.filters,
        fold=True,
        context=model.context is ContextWanted.NEIGHBOURS,
    )
    evidence = retrieve(question, viewer=viewer, plan=plan)
    verdicts = PassageVerdicts(viewer, into.tally)
    hits = [hit for hit in evidence.hits if may_be_used(hit.passage.text, viewer=viewer, verdicts=verdicts)]
    into.read.extend(hit.passage for hit in hits)
    into.folded.update((hit.passage.chunk_id, hit.folded) for hit in hits if hit.folded)
    yield Status("reading", documents=len({hit.passage.document_id for hit in hits}))
    yield Status("writing")
    released = ""
    stretches = stretches_of(hits, viewer=viewer, verdicts=verdicts)
    support = support_for(viewer)
    for sentence in model.answer(_request(question, stretches, stop)):
        if stop():
            yield Done(_ms(began), stopped=True)
            return
        verdict = inspect(sentence.text, stage=Stage.ANSWER, viewer=viewer, after=released)
        into.tally.add(Stage.ANSWER, verdict.hits)
        if verdict.blocked:
            yield Blocked(verdict.topic, verdict.message)
            return
        token = Token(verdict.text, _cite(sentence, stretches, into), sentence.quoted)
        grounding = support.judge(carried=bool(token.citations), tally=into.tally)
        if grounding is Action.BLOCK:
            yield Blocked("", support.message(language_of(question)))
            return
        if grounding is Action.MASK:
            continue
        into.worded |= not rests_on_citations(token)
        if not may_still_read(viewer, into.stands_on()):
            yield Withheld()
            return
        released = f"{released} {sentence.text}".strip()  # as written: the next may complete what is masked
        yield token
    if stop():
        yield Done(_ms(began), stopped=True)
        return
    if not released:
        yield NoAnswer(count_fitting(viewer, into.filters))
    yield Done(_ms(began))


def _request(question: str, stretches: Sequence[Stretch], stop: Callable[[], bool]) -> ModelRequest:
    return ModelRequest(
        question=question,
        language=language_of(question),
        sources=tuple(
            Source(n=number, title=one.title, heading=one.heading, text=one.shown.text, score=one.fit)
            for number, one in enumerate(stretches, start=1)
        ),
        stop=stop,
    )


def _cite(sentence: AnswerSentence, stretches: Sequence[Stretch], into: Answer) -> tuple[int, ...]:
    """Note the quotes that carry the sentence, each under the passage it lies in.

    A number or a span that the model made up cites nothing.
    """
    numbers: list[int] = []
    for quote in sentence.quotes:
        if not 1 <= quote.n <= len(stretches):
            continue
        span, shown = stretches[quote.n - 1].span, stretches[quote.n - 1].shown
        if not 0 <= quote.start < quote.end <= len(shown.text):
            continue
        first, last = shown.original(quote.start, quote.end)
        for passage, start, end in span.carrying(span.start + first, span.start + last):
            cited = into.number(passage)
            cited.quotes.append((start, end))
            if cited.n not in numbers:
                numbers.append(cited.n)
    return tuple(numbers)


def _ms(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
