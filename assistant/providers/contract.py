"""What a model must offer. A provider is one file and one line in `registry`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from assistant.common.network import Network
from assistant.providers.wishes import USUAL_STYLE, Part, Scope, Style, Task

Vectors = NDArray[np.float32]
Scores = NDArray[np.float64]


class Embedder(Protocol):
    """Turns texts into unit vectors.

    `name` and `dimension` are stored with the vectors: vectors of two models are
    never mixed. `languages` holds the ISO 639-1 codes the model was trained on
    (empty: any); retrieval trusts the dense leg only for those.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def languages(self) -> frozenset[str]: ...

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
class Source:
    """One passage that the viewer may read, or a stretch around it, as a model sees it.

    `n` is its number; `score` says how well it fits beside the best one, 0..1. `part`: of the request's
    parts, counted from 1, the one that it was found for; 0 where there are none.
    """

    n: int
    title: str
    heading: str
    text: str
    score: float = 0.0
    part: int = 0


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
    An empty text says that the evidence of a part holds no answer.
    """

    text: str
    quotes: tuple[Quote, ...]
    quoted: bool = False
    part: int = 0
    general: bool = False


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
class ChatServer:
    """A language model and where it is. `url` ends before `/chat/completions`; times are in seconds.

    `silence_s` is how long nothing at all may come, the first piece included; `whole_s` how long the
    whole message may take.
    """

    url: str
    model: str
    api_key: str = field(default="", repr=False)
    most_tokens: int = 1_024
    silence_s: float = 60.0
    whole_s: float = 300.0


@dataclass(frozen=True, slots=True)
class ChatParts:
    """What a chat model may be made of: each kind takes what it needs."""

    embedder: Embedder | None
    server: ChatServer
    network: Network


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
