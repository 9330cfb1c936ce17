"""With what else of its document is a passage read?

With its neighbouring chunks, or with the whole document where that is short. Everything passes the door
anew, for all passages in one query, so a document that was revoked since the search gives no context at
all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from assistant.access.door import NearPassage, Passage, surroundings
from assistant.access.viewer import Viewer
from assistant.common.analysis import language_of

NEIGHBOURS = 1  # chunks before and after
# Characters up to which a document is read whole: about three chunks, what a passage in the middle of one has
# around it anyway. A Korean chunk is shorter, see `assistant.ingest.chunking`.
WHOLE_UP_TO = {"en": 3_000, "ko": 1_800}
_HEADING_JOINT = " › "


@dataclass(frozen=True, slots=True)
class Context:
    """A stretch of one document: `text` is its characters `start` to `end`, `parts` its chunks in order.

    Every part has passed the door as a passage of its own, with its own place and headings; between two parts
    stands only white space.
    """

    document_id: int
    version: int
    start: int
    end: int
    text: str
    parts: tuple[Passage, ...]

    def carrying(self, start: int, end: int) -> Iterator[tuple[Passage, int, int]]:
        """The parts that characters `start` to `end` of the document lie in, each with its share of them."""
        for part in self.parts:
            first, last = max(start, part.start), min(end, part.end)
            if first < last:
                yield part, first, last


def contexts(viewer: Viewer, passages: Sequence[Passage]) -> dict[int, Context]:
    """The context of each passage, by chunk id; a passage that may no longer be read has none.

    Passages of one document whose contexts touch share one context, so that no text comes twice.
    """
    limits = {passage.document_id: WHOLE_UP_TO[language_of(passage.text)] for passage in passages}
    near = surroundings(
        viewer, [passage.chunk_id for passage in passages], neighbours=NEIGHBOURS, whole_up_to=limits
    )
    wanted = {passage.chunk_id for passage in passages}
    found: dict[int, Context] = {}
    for run in _runs(near):
        context = _joined(run)
        found.update((one.passage.chunk_id, context) for one in run if one.passage.chunk_id in wanted)
    return found


def alone(passage: Passage) -> Context:
    """The passage as a context of its own."""
    return Context(
        document_id=passage.document_id,
        version=passage.version,
        start=passage.start,
        end=passage.end,
        text=passage.text,
        parts=(passage,),
    )


def shared_headings(parts: Sequence[Passage]) -> str:
    """The headings that all the parts stand under."""
    paths = [part.headings.split(_HEADING_JOINT) for part in parts]
    common = takewhile(lambda names: len(set(names)) == 1, zip(*paths, strict=False))
    return _HEADING_JOINT.join(names[0] for names in common)


def _runs(near: Sequence[NearPassage]) -> Iterator[list[NearPassage]]:
    """Chunks of one document that follow each other without a gap, in their order."""
    documents: dict[int, list[NearPassage]] = defaultdict(list)
    for one in near:
        documents[one.passage.document_id].append(one)
    for chunks in documents.values():
        run: list[NearPassage] = []
        for one in sorted(chunks, key=lambda chunk: chunk.ordinal):
            if run and one.ordinal != run[-1].ordinal + 1:
                yield run
                run = []
            run.append(one)
        yield run


def _joined(run: Sequence[NearPassage]) -> Context:
    first, last = run[0].passage, run[-1].passage
    text = first.text
    for before, after in pairwise(run):
        text += _gap(before.following, after.passage.start - before.passage.end) + after.passage.text
    return Context(
        document_id=first.document_id,
        version=first.version,
        start=first.start,
        end=last.end,
        text=text,
        parts=tuple(one.passage for one in run),
    )


def _gap(following: str, length: int) -> str:
    """The white space between two chunks as the document has it, of `length` characters in any case."""
    white = following[:length]
    return white.ljust(length, "\n") if not white.strip() else "\n" * length
