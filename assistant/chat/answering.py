"""A question's way to its answer: inspect, retrieve, read, write, check, release.

One synchronous generator, used alike by the page, the command line and the
evaluation. Each sentence is inspected, and the documents it stands on pass the
door, at the moment it is released.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

from assistant.access.door import Passage, may_still_read
from assistant.access.viewer import Viewer
from assistant.catalogue.accounting import bookkeeper
from assistant.catalogue.opening import opened
from assistant.catalogue.selectors import model_for_turn
from assistant.chat.calculating import calculated
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
from assistant.chat.file_scope import NO_FILES, AskedFiles, planned, without_names
from assistant.chat.gathering import Gathered, Search, gathered
from assistant.chat.headings import Headings
from assistant.chat.listing import documents_naming
from assistant.chat.manner import PLAIN, Manner, made_whole, plan_for, request_for, told_to
from assistant.chat.noting import Said, is_outdated, note_on_tables, notes_on
from assistant.chat.planning import TurnPlan
from assistant.chat.restriction import restricted
from assistant.chat.stretches import PassageVerdicts, Stretch
from assistant.common.errors import UsageError
from assistant.guardrails.inspect import inspect, support_for
from assistant.guardrails.tally import Tally
from assistant.guardrails.verdict import Action, Stage
from assistant.providers.contract import (
    AnswerSentence,
    ChatModel,
    Message,
    ModelRequest,
    WritesWithModel,
    never,
)
from assistant.providers.wishes import Task
from assistant.retrieval.filters import NO_FILTERS, Filters
from assistant.retrieval.folding import Folded
from assistant.retrieval.narrowing import count_fitting

MAX_QUESTION = 4_000
_NOTED = (Task.ANSWER, Task.SEVERAL, Task.SUMMARISE)


@dataclass(slots=True)
class Cited:
    """One passage of the answer under its number, with the quotes in the document's text."""

    n: int
    passage: Passage
    quotes: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    """Filled while `answer` runs: what was read and what is cited, in the order of the numbers.

    `filters`, `manner` and `files` are given: what is searched, which a guardrail may narrow, how it is
    answered, and which files of the conversation are searched too.
    `folded` says by chunk id for which other passages one that was read stands. `carried`: documents that
    earlier answers stand on which a language model was told. `tally` counts what guardrails found.
    """

    filters: Filters = NO_FILTERS
    manner: Manner = PLAIN
    files: AskedFiles = NO_FILES
    cited: list[Cited] = field(default_factory=list)
    read: list[Passage] = field(default_factory=list)
    folded: dict[int, tuple[Folded, ...]] = field(default_factory=dict)
    worded: bool = False
    carried: frozenset[int] = frozenset()
    tally: Tally = field(default_factory=Tally)

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


def writes_itself(model: ChatModel) -> bool:
    """Whether the model words its answers, so that it can draft and knows things by itself."""
    return isinstance(model, WritesWithModel)


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
        UsageError: a draft is wanted of a model that writes none.
    """
    turn = _Turn(viewer, model, into, stop, PassageVerdicts(viewer, into.tally), time.perf_counter())
    yield Status("searching")
    asked = yield from _asked(question, turn)
    if asked is None:
        return
    whole, said = asked
    if into.files.files and not into.manner.drafts:
        whole = without_names(whole, [one.name for one in into.files.files])
    plan = plan_for(whole, into.manner, can_draft=writes_itself(model))
    if into.files.only and not into.files.files:
        yield Failed("no_file_ready")
        return
    plan, files = planned(question, plan, into.files)
    if files.read:  # headings name the files
        into.carried |= {pk for read in files.read for pk in read}
    if files.left_out:
        yield Status("left_out", documents=files.left_out)
    search = Search(viewer, into.filters, model.context, turn.verdicts, files)
    evidence = calculated(whole, plan, search, gathered(plan, search), writes=writes_itself(model))
    into.read.extend(hit.passage for hit in evidence.hits)
    into.folded.update((hit.passage.chunk_id, hit.folded) for hit in evidence.hits if hit.folded)
    yield Status("reading", documents=len({hit.passage.document_id for hit in evidence.hits}))
    yield Status("writing")
    request = replace(request_for(whole, plan, said, into.manner), sources=evidence.sources, stop=stop)
    yield from _released(request, plan, evidence, turn)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What every step of a turn needs."""

    viewer: Viewer
    model: ChatModel
    into: Answer
    stop: Callable[[], bool]
    verdicts: PassageVerdicts
    began: float

    def done(self, *, stopped: bool = False) -> Done:
        """The end, and how long it took."""
        return Done(round((time.perf_counter() - self.began) * 1000), stopped=stopped)


def _asked(question: str, turn: _Turn) -> Generator[TurnEvent, None, tuple[str, tuple[Message, ...]] | None]:
    """The question as it is searched for, with what a model is told of the conversation; None: no further."""
    into, viewer = turn.into, turn.viewer
    verdict = inspect(question, stage=Stage.QUESTION, viewer=viewer)
    into.tally.add(Stage.QUESTION, verdict.hits)
    if verdict.blocked:
        yield Blocked(verdict.topic, verdict.message)
        return None
    question = verdict.text
    _restrict(into, verdict.sources)
    said, into.carried = told_to(turn.model, question, into.manner, verdicts=turn.verdicts)
    whole = made_whole(question, said, into.manner, model=turn.model, stop=turn.stop)
    if whole == question:
        return question, said
    verdict = inspect(whole, stage=Stage.QUESTION, viewer=viewer)
    into.tally.add(Stage.QUESTION, verdict.hits)
    if verdict.blocked:
        yield Blocked(verdict.topic, verdict.message)
        return None
    if not may_still_read(viewer, into.carried):
        yield Withheld()
        return None
    _restrict(into, verdict.sources)
    yield Searched(verdict.text)
    return verdict.text, said


def _restrict(into: Answer, sources: Collection[int] | None) -> None:
    """Narrow what is searched to these sources, to which no file of a conversation belongs."""
    into.filters = restricted(into.filters, sources)
    if sources is not None:
        into.files = NO_FILES


def _released(  # noqa: C901 - each way in which a sentence may end the answer
    request: ModelRequest, plan: TurnPlan, evidence: Gathered, turn: _Turn
) -> Iterator[TurnEvent]:
    """The sentences that may be shown, each under its heading, and the last event."""
    into, viewer = turn.into, turn.viewer
    released = ""
    stretches = [reading.stretch for reading in evidence.readings]
    headings = Headings(plan)
    support = support_for(viewer)
    company = tuple(hit for hit in evidence.hits if not hit.passage.is_private)
    given = Said(request.question, company, evidence.versions, into)
    for sentence in evidence.calculated or _sentences(turn.model, plan, request):
        if turn.stop():
            yield turn.done(stopped=True)
            return
        if not sentence.text:  # a part without an answer: its heading comes with the next one, or at the end
            continue
        verdict = inspect(sentence.text, stage=Stage.ANSWER, viewer=viewer, after=released)
        into.tally.add(Stage.ANSWER, verdict.hits)
        if verdict.blocked:
            yield Blocked(verdict.topic, verdict.message)
            return
        token = _token(sentence, verdict.text, stretches, given)
        # A draft claims nothing of documents, so that there is nothing to hold it against.
        carried = bool(token.citations) or into.manner.drafts
        grounding = support.judge(carried=carried, tally=into.tally)
        if grounding is Action.BLOCK:
            yield Blocked("", support.message(request.language))
            return
        if grounding is Action.MASK:
            continue
        into.worded |= not rests_on_citations(token)
        if not may_still_read(viewer, into.stands_on()):
            yield Withheld()
            return
        released = f"{released} {sentence.text}".strip()  # as written: the next may complete what is masked
        yield from headings.before(sentence.part)
        yield token
    if turn.stop():
        yield turn.done(stopped=True)
        return
    if released:
        yield from headings.rest()
        if plan.task in _NOTED:
            yield from notes_on(given)
        yield from _on_tables(given, evidence)
    elif into.manner.drafts:
        yield Failed("nothing_written")
        return
    else:
        yield from _on_tables(given, evidence)
        yield NoAnswer(len(into.files.files) if into.files.only else count_fitting(viewer, into.filters))
    yield turn.done()


def _on_tables(given: Said, evidence: Gathered) -> Iterator[TurnEvent]:
    """Why a table that was meant gave no figure."""
    if evidence.uncalculated is not None:
        yield from note_on_tables(given, evidence.uncalculated)


def _token(sentence: AnswerSentence, shown: str, stretches: Sequence[Stretch], given: Said) -> Token:
    """The sentence as it is shown. What is masked or outdated has nothing short that leads."""
    numbers = _cite(sentence, stretches, given.into)
    leads = sentence.short is not None and shown == sentence.text and not is_outdated(given, numbers)
    short = sentence.short if leads else None
    return Token(shown, numbers, sentence.quoted, sentence.general, sentence.calculated, short)


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
