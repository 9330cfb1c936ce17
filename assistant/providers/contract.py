"""What a model must offer. A provider is one file and one line in `registry`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from assistant.common.network import Network
from assistant.providers.source_dates import UNKNOWN_STANDING, Standing
from assistant.providers.wishes import USUAL_STYLE, Part, Scope, Style, Task

Vectors = NDArray[np.float32]
Scores = NDArray[np.float64]


class Embedder(Protocol):
    """Turns texts into unit vectors.

    `name` and `dimension` are stored with the vectors: vectors of two models are
    never mixed. A model is taken to know every language that it is asked in.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def __hash__(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit row (float32, L2 norm 1) a text, in the order given: shape (len, dimension).

        Raises:
            ModelUnavailable: the model cannot be loaded or reached.
        """
        ...

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """The same for texts that look for others: many models want a prompt of its own for each kind.

        Raises:
            ModelUnavailable: as above.
        """
        ...


class Reranker(Protocol):
    """Reads a question and a passage together, which is slower and sharper than comparing vectors."""

    @property
    def name(self) -> str: ...

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        """How well each text answers, higher is better: shape (len,). A score depends on its own pair alone.

        Raises:
            ModelUnavailable: the model cannot be loaded or reached.
        """
        ...


@dataclass(frozen=True, slots=True)
class Entailed:
    """How sure a model is, 0..1, that a premise says what a hypothesis says, and that it denies it."""

    entails: float
    contradicts: float


NOT_JUDGED = Entailed(0.0, 0.0)


class Entailment(Protocol):
    """Reads a premise and a hypothesis together (natural language inference)."""

    @property
    def name(self) -> str: ...

    def judged(self, premise: str, hypothesis: str) -> Entailed:
        """What the premise says of the hypothesis, whole: a pair that is too long is `NOT_JUDGED`.

        Raises:
            ModelUnavailable: the model cannot be loaded, or gives no numbers.
        """
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """One passage that the viewer may read, or a stretch around it, as a model sees it.

    `n` is its number; `score` says how well it fits beside the best one, 0..1. `part`: of the request's
    parts, counted from 1, the one that it was found for; 0 where there are none. `standing`: when its
    document holds.
    """

    n: int
    title: str
    heading: str
    text: str
    score: float = 0.0
    part: int = 0
    standing: Standing = UNKNOWN_STANDING


@dataclass(frozen=True, slots=True)
class Quote:
    """`source.text[start:end]` of source `n` carries a sentence."""

    n: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One sentence of an answer, with the places that carry it (none: unsupported).

    `quoted`: it is made of its quotes and what heads them alone. What a model words itself may say what any
    of the sources says, whatever it cites. `part`: of the request's parts, counted from 1, the one that it
    belongs to; 0: to none or to all. `general`: it is what a model knows by itself and claims no source for.
    An empty text says that the evidence of a part holds no answer. `calculated`: how it was worked out from a
    table that it cites, by no model; "" where it was not. `short`: which characters of the text answer by
    themselves.
    """

    text: str
    quotes: tuple[Quote, ...]
    quoted: bool = False
    part: int = 0
    general: bool = False
    calculated: str = ""
    short: tuple[int, int] | None = None


def never() -> bool:
    """Nobody wants it to stop."""
    return False


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A question (in `language`, "ko" or "en") and the evidence to answer it from.

    `stop` is asked while the model is waited for: whether the person has had enough. `history`: what was said
    before, oldest first, as far as the person may read it now. `parts`: what a task of several parts consists
    of; sources and sentences say by number to which one they belong.
    """

    question: str
    language: str
    sources: tuple[Source, ...]
    stop: Callable[[], bool] = never
    history: tuple[Message, ...] = ()
    style: Style = USUAL_STYLE
    scope: Scope = Scope.COMPANY
    task: Task = Task.ANSWER
    parts: tuple[Part, ...] = ()


class Role(StrEnum):
    """Who speaks. What documents and people say is never said by the system."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a language model."""

    role: Role
    text: str


class Completions(Protocol):
    """A language model: continues a conversation."""

    @property
    def name(self) -> str: ...

    def complete(self, messages: Sequence[Message], *, stop: Callable[[], bool] = never) -> Iterator[str]:
        """The next message as it is written, in pieces of any length. Ends early once `stop` says so.

        Raises:
            ModelUnavailable: it cannot be reached, is busy, broke off, or refused. What came before stands.
        """
        ...


@runtime_checkable
class WritesWithModel(Protocol):
    """A chat model that has a language model, which can be asked for other things too."""

    @property
    def completions(self) -> Completions: ...


@dataclass(frozen=True, slots=True)
class Tokens:
    """How many tokens one message to a model had, and how many its answer."""

    read: int
    written: int


def uncounted(_tokens: Tokens) -> None:
    """Nobody keeps count."""


class CountingCompletions(Completions, Protocol):
    """A language model that can tell how many tokens it read and wrote. Limits stand around one."""

    def complete(
        self,
        messages: Sequence[Message],
        *,
        stop: Callable[[], bool] = never,
        counted: Callable[[Tokens], None] = uncounted,
    ) -> Iterator[str]:
        """The next message. `counted` is told what the model counted, if it does; the last word counts.

        Raises:
            ModelUnavailable: as `Completions` has it.
            Stopped (`assistant.common.pace`): once `stop` says so.
        """
        ...


class Outcome(StrEnum):
    """How one call to a language model ended."""

    DONE = "done"  # the message is whole
    STOPPED = "stopped"  # the person, or whoever read the message, had enough
    CUT = "cut"  # the tokens were used up before the message was whole
    ENDLESS = "endless"  # it wrote more than it may, or the same over and over
    DECLINED = "declined"  # by rules of its own
    BUSY = "busy"  # it asks for patience, also after it was asked again
    UNREACHABLE = "unreachable"  # no connection, no right certificate, or silent for too long
    BROKEN = "broken"  # it broke off, or what it sends is not understood
    KEY_REFUSED = "key_refused"  # the server does not know who asks
    MODEL_UNKNOWN = "model_unknown"  # the server has no such model, or nothing at this address
    REFUSED = "refused"  # settings or length: asking again would not help
    RESTING = "resting"  # not asked: it failed several times in a row a moment ago
    FULL = "full"  # not asked: as many calls as may be were under way


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call to a language model took. Times in ms from when it was wanted, waiting included.

    `estimated`: the tokens are reckoned from characters, because the model did not count them.
    `outcome` is a value of `Outcome`; `first_token_ms` None: nothing came.
    """

    input_tokens: int
    output_tokens: int
    estimated: bool
    ms: int
    first_token_ms: int | None
    outcome: str


def unspent(_usage: Usage) -> None:
    """Nobody keeps account."""


@dataclass(frozen=True, slots=True)
class ChatServer:
    """A language model and where it is. Times are in seconds.

    `url` ends before `/chat/completions`; for a model in a folder it is empty and `model` names the folder.
    `silence_s` is how long nothing at all may come, the first piece included; `whole_s` how long the
    whole message may take. At most `most_at_once` calls are under way in one process, others wait up to
    `place_s` for their turn. A call is sent up to `attempts` times as long as nothing was written;
    after `failures` failures in a row the model is left in peace for `rest_s`. `ca_file` names
    certificates of authorities to trust instead of the system's; `region` is Amazon's, where the
    address does not tell it. Embedders and rerankers on servers use it, too.
    """

    url: str
    model: str
    api_key: str = field(default="", repr=False)
    most_tokens: int = 1_024
    silence_s: float = 60.0
    whole_s: float = 300.0
    most_at_once: int = 4
    place_s: float = 20.0
    attempts: int = 3
    failures: int = 5
    rest_s: float = 30.0
    ca_file: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class ChatParts:
    """What a chat model may be made of: each kind takes what it needs.

    `spent` is told once of each call to a language model that was begun, however it ended.
    """

    embedder: Embedder | None
    server: ChatServer
    network: Network
    spent: Callable[[Usage], None] = unspent
    entailment: Entailment | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """An embedder or reranker on a server, and what is asked of it. Equal values share one in a process.

    `dimensions`: how long its vectors are to be, 0 for as long as they are; the prompts stand before each
    question and each passage. `version` is a word of the administrator's by which vectors are told apart
    where the server gave its model other weights under the same name.
    """

    server: ChatServer
    network: Network
    spent: Callable[[Usage], None] = unspent
    dimensions: int = 0
    question_prompt: str = ""
    passage_prompt: str = ""
    version: str = ""


class ContextWanted(StrEnum):
    """What a chat model is given with each passage that was found."""

    NONE = "none"  # the passage alone
    NEIGHBOURS = "neighbours"  # with the passages beside it, or all of a short document


class ChatModel(Protocol):
    """Answers from evidence, sentence by sentence."""

    @property
    def name(self) -> str: ...

    @property
    def context(self) -> ContextWanted: ...

    def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
        """Sentences in reading order; none at all means that the evidence holds no answer.

        Raises:
            ModelUnavailable: the model cannot be loaded or reached.
        """
        ...
