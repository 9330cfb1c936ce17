"""A question's way to its answer: inspect, retrieve, read, write, check, release.

One synchronous generator, used alike by the page, the command line and the
evaluation. Each sentence is inspected, and the documents it stands on pass the
door, at the moment it is released.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from django.conf import settings

from assistant.access.door import Passage, may_still_read
from assistant.access.viewer import Viewer
from assistant.chat.events import (
    Blocked,
    Done,
    Failed,
    NoAnswer,
    Searched,
    Status,
    Token,
    TurnEvent,
    Withheld,
    rests_on_citations,
)
from assistant.chat.gathering import gathered
from assistant.chat.headings import Headings
from assistant.chat.listing import documents_naming
from assistant.chat.manner import PLAIN, Manner, made_whole, plan_for, request_for, told_to
from assistant.chat.planning import TurnPlan
from assistant.chat.stretches import Stretch
from assistant.common.errors import UsageError
from assistant.common.network import Network
from assistant.documents.embedding import answering_embedder
from assistant.guardrails.inspect import inspect
from assistant.guardrails.verdict import Stage
from assistant.providers.contract import (
    AnswerSentence,
    ChatModel,
    ChatParts,
    ChatServer,
    ModelRequest,
    WritesWithModel,
    never,
)
from assistant.providers.registry import CHAT_MODELS, chat_model
from assistant.providers.wishes import Task
from assistant.retrieval.filters import NO_FILTERS, Filters
from assistant.retrieval.folding import Folded
from assistant.retrieval.narrowing import count_fitting

MAX_QUESTION = 4_000


@dataclass(slots=True)
class Cited:
    """One passage of the answer under its number, with the quotes in the document's text."""

    n: int
    passage: Passage
    quotes: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    """Filled while `answer` runs: what was read and what is cited, in the order of the numbers.

    `filters` and `manner` are given: what is searched, and how it is answered. `folded` says by chunk id for
    which other passages one that was read stands. `carried`: documents that earlier answers stand on which a
    language model was told.
    """

    filters: Filters = NO_FILTERS
    manner: Manner = PLAIN
    cited: list[Cited] = field(default_factory=list)
    read: list[Passage] = field(default_factory=list)
    folded: dict[int, tuple[Folded, ...]] = field(default_factory=dict)
    worded: bool = False
    carried: frozenset[int] = frozenset()

    def stands_on(self) -> set[int]:
        """Ids of the documents that the sentences so far may say something of."""
        passages = self.read if self.worded else [cited.passage for cited in self.cited]
        return {passage.document_id for passage in passages} | self.carried

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


def named_chat_model(name: str = "") -> ChatModel:
    """The chat model called `name`, or the configured one.

    Raises:
        UsageError: there is none of this name.
    """
    name = name or settings.MUNDAP_CHAT_MODEL
    if name not in CHAT_MODELS:
        raise UsageError(f"There is no model '{name}'. Known models: {', '.join(sorted(CHAT_MODELS))}.")
    server = ChatServer(
        url=settings.MUNDAP_CHAT_URL,
        model=settings.MUNDAP_CHAT_MODEL_NAME,
        api_key=settings.MUNDAP_CHAT_API_KEY,
        most_tokens=settings.MUNDAP_CHAT_TOKENS,
        silence_s=settings.MUNDAP_CHAT_SILENCE_S,
    )
    network = Network(settings.MUNDAP_ALLOWED_NETWORKS)
    return chat_model(name, ChatParts(answering_embedder(), server, network))


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


def writes_itself(model: ChatModel) -> bool:
    """Whether the model words its answers, so that it can draft and knows things by itself."""
    return isinstance(model, WritesWithModel)


def answer(  # noqa: C901, PLR0912 - the steps of a turn, one after the other
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
        UsageError: a draft is wanted of a model that writes none.
    """
    began = time.perf_counter()
    yield Status("searching")
    verdict = inspect(question, stage=Stage.QUESTION, viewer=viewer)
    if verdict.blocked:
        yield Blocked(verdict.topic, verdict.message)
        return
    said, into.carried = told_to(model, question, into.manner, viewer=viewer)
    whole = made_whole(question, said, into.manner, model=model, stop=stop)
    if whole != question:
        verdict = inspect(whole, stage=Stage.QUESTION, viewer=viewer)
        if verdict.blocked:
            yield Blocked(verdict.topic, verdict.message)
            return
        if not may_still_read(viewer, into.carried):
            yield Withheld()
            return
        yield Searched(whole)
    plan = plan_for(whole, into.manner, can_draft=writes_itself(model))
    evidence = gathered(plan, viewer=viewer, filters=into.filters, context=model.context)
    into.read.extend(hit.passage for hit in evidence.hits)
    into.folded.update((hit.passage.chunk_id, hit.folded) for hit in evidence.hits if hit.folded)
    yield Status("reading", documents=len({hit.passage.document_id for hit in evidence.hits}))
    yield Status("writing")
    released = ""
    stretches = [reading.stretch for reading in evidence.readings]
    headings = Headings(plan)
    request = replace(request_for(whole, plan, said, into.manner), sources=evidence.sources, stop=stop)
    for sentence in _sentences(model, plan, request):
        if stop():
            yield Done(_ms(began), stopped=True)
            return
        if not sentence.text:  # a part without an answer: its heading comes with the next one, or at the end
            continue
        verdict = inspect(f"{released} {sentence.text}".strip(), stage=Stage.ANSWER, viewer=viewer)
        if verdict.blocked:
            yield Blocked(verdict.topic, verdict.message)
            return
        token = Token(sentence.text, _cite(sentence, stretches, into), sentence.quoted, sentence.general)
        into.worded |= not rests_on_citations(token)
        if not may_still_read(viewer, into.stands_on()):
            yield Withheld()
            return
        released = f"{released} {sentence.text}".strip()
        yield from headings.before(sentence.part)
        yield token
    if stop():
        yield Done(_ms(began), stopped=True)
        return
    if released:
        yield from headings.rest()
    elif into.manner.drafts:
        yield Failed("nothing_written")
        return
    else:
        yield NoAnswer(count_fitting(viewer, into.filters))
    yield Done(_ms(began))


def _sentences(model: ChatModel, plan: TurnPlan, request: ModelRequest) -> Iterator[AnswerSentence]:
    """A list is made by looking alone; everything else is the model's."""
    if plan.task is Task.LIST:
        return documents_naming(plan.parts[0].question, request.sources)
    return model.answer(request)


def _cite(sentence: AnswerSentence, stretches: Sequence[Stretch], into: Answer) -> tuple[int, ...]:
    """Note the quotes that carry the sentence, each under the passage it lies in.

    A number or a span that the model made up cites nothing.
    """
    numbers: list[int] = []
    for quote in sentence.quotes:
        if not 1 <= quote.n <= len(stretches):
            continue
        span = stretches[quote.n - 1].span
        if not 0 <= quote.start < quote.end <= len(span.text):
            continue
        for passage, start, end in span.carrying(span.start + quote.start, span.start + quote.end):
            cited = into.number(passage)
            cited.quotes.append((start, end))
            if cited.n not in numbers:
                numbers.append(cited.n)
    return tuple(numbers)


def _ms(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
