"""The engines that the index is compared with, each behind the same small seam.

A peer gets the same vectors, the same analysed terms, the same permissions and two
threads, in a process of its own. What it needs to know of a person (a filter, a
mask) it may prepare once, as our index gets a person's mask ready made.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol

from assistant.common.analysis import query_terms
from tests.bench.index_ours import Answers, resident, timing
from tests.bench.index_truth import Tokens, tokens
from tests.bench.index_world import Permitted, Question, World

THREADS = 2
TOP = 10
_WARM_UP = 3
_ENOUGH_MS, _LEAST_RUNS = 60_000, 20  # a slow peer need not answer every question
_SQLITE = "tests.bench.peers.sqlite_vector"


@dataclass(frozen=True, slots=True)
class Peer:
    """What a peer is, for the report."""

    name: str
    leg: Literal["dense", "lexical"]
    packages: tuple[str, ...]  # to import; the peer is "not installed" where that fails
    path: str  # module:class of its engine
    exact: bool  # it promises the true neighbours
    served: bool = False  # by another process, whose memory is not measured


class PeerAbsent(Exception):
    """A peer cannot take part; the text says why."""


class Engine(Protocol):
    """One peer at work on one world. Made with the world, its analysed texts and a folder of its own."""

    def __init__(self, world: World, analysed: Tokens, folder: Path) -> None:
        """Remember what to build from.

        Raises:
            PeerAbsent: something it needs is missing here.
        """
        ...

    def build(self) -> None:
        """Index everything on the disk, and be ready to answer."""
        ...

    def permit(self, permitted: Permitted) -> None:
        """From now on answer for this person. Not timed."""
        ...

    def search(self, question: Question) -> Sequence[int]:
        """The ids of the `TOP` best permitted chunks, best first. Timed."""
        ...


PEERS = {
    peer.name: peer
    for peer in (
        Peer("LanceDB", "dense", ("lancedb",), "tests.bench.peers.lance:Lance", exact=True),
        Peer("sqlite-vec", "dense", ("sqlite_vec",), f"{_SQLITE}:VirtualTable", exact=True),
        Peer("sqlite-vec plain", "dense", ("sqlite_vec",), f"{_SQLITE}:PlainTable", exact=True),
        Peer("Chroma", "dense", ("chromadb",), "tests.bench.peers.chroma:Chroma", exact=False),
        Peer(
            "pgvector",
            "dense",
            ("psycopg",),
            "tests.bench.peers.postgresql:PgVector",
            exact=True,
            served=True,
        ),
        Peer("bm25s", "lexical", ("bm25s",), "tests.bench.peers.bm25_sparse:Bm25s", exact=True),
        Peer(
            "bm25s on numba",
            "lexical",
            ("bm25s", "numba"),
            "tests.bench.peers.bm25_sparse:Bm25sNumba",
            exact=True,
        ),
        Peer("tantivy", "lexical", ("tantivy",), "tests.bench.peers.tantivy_filter:Tantivy", exact=True),
    )
}


def engine(peer: Peer, world: World, analysed: Tokens, folder: Path) -> Engine:
    """The peer's engine for a world.

    Raises:
        PeerAbsent: a package, or something else it needs, is missing.
    """
    for package in peer.packages:
        try:
            import_module(package)
        except ModuleNotFoundError:
            raise PeerAbsent(f"not installed (no module {package})") from None
    module, _, name = peer.path.partition(":")
    made: Engine = getattr(import_module(module), name)(world, analysed, folder)
    return made


def asked_terms(question: Question) -> list[str]:
    """The question as every lexical engine gets it."""
    return query_terms(question.text)


@dataclass(frozen=True, slots=True)
class PeerRun:
    """What a peer took and answered."""

    build_s: float
    resident_mb: float  # of its process at the end
    answers: tuple[Answers, ...]


def measured(
    peer: Peer, world: World, folder: Path, asked: Sequence[tuple[Permitted, Sequence[Question]]]
) -> PeerRun | PeerAbsent:
    """Build, then answer every person's questions, or as many as a slow peer manages, in this process."""
    try:
        working = engine(peer, world, tokens(world), folder)
    except PeerAbsent as reason:
        return reason
    began = time.perf_counter()
    working.build()
    build_s = time.perf_counter() - began
    answers = []
    for permitted, questions in asked:
        working.permit(permitted)
        for question in questions[:_WARM_UP]:
            working.search(question)
        spent, found = [], []
        for question in questions:
            began = time.perf_counter()
            chunks = working.search(question)
            spent.append(1000 * (time.perf_counter() - began))
            found.append(tuple(chunks))
            if sum(spent) > _ENOUGH_MS and len(spent) >= _LEAST_RUNS:
                break
        answers.append(Answers(timing(spent), tuple(found)))
    return PeerRun(build_s, resident("VmRSS"), tuple(answers))
