"""An immutable segment: arrays in files, checked once when opened and mapped from then on.

Documents lie in the order (acl, document, version) and their chunks one after
another, so that what a person may read is a short list of ranges.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from assistant.common.errors import IndexDamaged
from assistant.index.codes import Codes, coded
from assistant.index.durable import sha256_of, sync_file, sync_folder
from assistant.index.manifest import FileSum, SegmentEntry, segments_folder

_VECTORS = "vectors.npy"
_UNFINISHED = ".unfinished"

_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Postings:
    """Which chunks hold which term: t terms in the order of their bytes, p postings."""

    term_bytes: NDArray[np.uint8]  # all terms in UTF-8, without separators
    term_starts: NDArray[np.int64]  # (t + 1,) into term_bytes
    posting_starts: NDArray[np.int64]  # (t + 1,) into the postings
    posting_chunks: NDArray[np.int32]  # (p,) positions of chunks, rising within a term
    posting_counts: NDArray[np.int32]  # (p,) weighted number of occurrences

    def term(self, number: int) -> bytes:
        """Term `number` in UTF-8."""
        return self.term_bytes[self.term_starts[number] : self.term_starts[number + 1]].tobytes()

    def term_count(self) -> int:
        """How many terms there are."""
        return len(self.term_starts) - 1

    def span(self, term: bytes) -> tuple[int, int]:
        """Where the postings of a term begin and end; an empty span for an unknown one."""
        low, high = 0, self.term_count()
        while low < high:
            middle = (low + high) // 2
            if self.term(middle) < term:
                low = middle + 1
            else:
                high = middle
        found = low < self.term_count() and self.term(low) == term
        return (int(self.posting_starts[low]), int(self.posting_starts[low + 1])) if found else (0, 0)


@dataclass(frozen=True, slots=True)
class Columns:
    """All of a segment but its vectors: d documents, n chunks."""

    document_ids: NDArray[np.int64]  # (d,)
    versions: NDArray[np.int32]  # (d,)
    acl_ids: NDArray[np.int64]  # (d,)
    chunk_starts: NDArray[np.int64]  # (d + 1,): document i has chunks chunk_starts[i] to chunk_starts[i + 1]
    chunk_ids: NDArray[np.int64]  # (n,)
    lengths: NDArray[np.int32]  # (n,) weighted number of terms
    postings: Postings

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Every array by the name of its file."""
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "postings"}
        return own | {field.name: getattr(self.postings, field.name) for field in fields(self.postings)}


_FILES = frozenset(
    f"{field.name}.npy"
    for kind in (Columns, Postings, Codes)
    for field in fields(kind)
    if field.name != "postings"
) | {_VECTORS}


class StoredRows:
    """The vectors of a segment, read row by row.

    Mapping them would soon make all of them resident, though a question needs a few hundred.
    """

    __slots__ = ("_entry", "_first", "_stream", "shape")

    def __init__(self, path: Path, entry: SegmentEntry) -> None:
        """Keeps the file open, so that it stays readable even when a merge removes it."""
        self._entry = entry
        self._stream = path.open("rb")
        np.lib.format.read_magic(self._stream)
        self.shape, fortran_order, kind = np.lib.format.read_array_header_1_0(self._stream)
        if kind != np.float32 or fortran_order or len(self.shape) != 2:  # noqa: PLR2004 - rows and components
            raise ValueError(f"{path.name} holds no rows of float32")
        self._first = self._stream.tell()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """The rows at the places, shape (len(places), d).

        Raises:
            IndexDamaged: the file has become shorter.
        """
        width = 4 * self.shape[1]
        found = np.empty((len(places), self.shape[1]), np.float32)
        number = self._stream.fileno()
        for row, place in zip(found, places.tolist(), strict=True):
            stored = os.pread(number, width, self._first + place * width)
            if len(stored) != width:
                raise _damaged(self._entry, f"{_VECTORS} has been cut short")
            row[:] = np.frombuffer(stored, np.float32)
        return found


class Segment:
    """An open segment. What is mapped stays readable even when a merge removes the files."""

    __slots__ = ("_folder", "_stamps", "codes", "columns", "entry", "rows", "vectors")

    def __init__(self, root: Path, entry: SegmentEntry) -> None:
        """Check every file and map it.

        Raises:
            IndexDamaged: a file is missing, torn or altered.
        """
        self.entry = entry
        self._folder = segments_folder(root) / entry.name
        self._stamps = self._now()
        check_files(root, entry)
        try:
            self.columns = _columns(self._folder)
            self.codes = _codes(self._folder)
            self.rows = StoredRows(self._folder / _VECTORS, entry)  # for searches
            self.vectors = _mapped(self._folder / _VECTORS, np.float32)  # for merges
        except (OSError, ValueError) as error:
            raise _damaged(entry, "cannot be mapped") from error

    def untouched(self) -> bool:
        """Whether the files are still those that were checked (size, times and identity)."""
        try:
            return self._now() == self._stamps
        except IndexDamaged:
            return False

    def _now(self) -> tuple[tuple[int, ...], ...]:
        try:
            found = [os.stat(f"{self._folder}/{file.name}") for file in self.entry.files]  # noqa: PTH116 - hot
        except OSError as error:
            raise _damaged(self.entry, "a file is missing") from error
        # A program can set a file's time back, but not the time at which it did so.
        return tuple((stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for stat in found)


def check_files(root: Path, entry: SegmentEntry) -> None:
    """Read every file of a segment against its checksum.

    Raises:
        IndexDamaged: a file is missing, torn or altered; names the segment and the file.
    """
    folder = segments_folder(root) / entry.name
    if {file.name for file in entry.files} != _FILES:
        raise _damaged(entry, "it does not list the files of a segment")
    for file in entry.files:
        try:
            sound = (folder / file.name).stat().st_size == file.size
            sound = sound and sha256_of(folder / file.name) == file.sha256
        except OSError as error:
            raise _damaged(entry, f"{file.name} is missing or unreadable") from error
        if not sound:
            raise _damaged(entry, f"{file.name} fails its checksum")


def write_segment(
    root: Path, columns: Columns, vector_blocks: Iterable[NDArray[np.float32]], *, dimension: int
) -> SegmentEntry:
    """Write a segment durably under a new name. It is invisible until a manifest names it.

    `vector_blocks` are the rows in chunk order, in pieces of any height.
    """
    name = secrets.token_hex(8)
    parent = segments_folder(root)
    folder = parent / (name + _UNFINISHED)
    folder.mkdir(parents=True)
    for field, array in columns.arrays().items():
        np.save(folder / f"{field}.npy", array)
    _write_vectors(folder, vector_blocks, shape=(len(columns.chunk_ids), dimension))
    sums = tuple(_seal(folder / file) for file in sorted(_FILES))
    sync_folder(folder)
    folder.rename(parent / name)
    sync_folder(parent)
    return SegmentEntry(
        name=name, chunks=len(columns.chunk_ids), documents=len(columns.document_ids), files=sums
    )


def _write_vectors(folder: Path, blocks: Iterable[NDArray[np.float32]], *, shape: tuple[int, int]) -> None:
    """The rows and their codes, block by block."""
    made: list[Codes] = []
    with (folder / _VECTORS).open("wb") as stream, (folder / "codes.npy").open("wb") as code_stream:
        for out, kind in ((stream, "<f4"), (code_stream, "|i1")):
            header = {"descr": kind, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(out, header)
        written = 0
        for block in blocks:
            stream.write(np.ascontiguousarray(block, dtype="<f4").tobytes())
            codes = coded(block.reshape(len(block), shape[1]))
            code_stream.write(codes.codes.tobytes())
            made.append(replace(codes, codes=np.empty((0, 0), np.int8)))
            written += len(block)
    assert written == shape[0], "a segment needs one vector a chunk"
    empty = np.empty(0, np.float32)
    np.save(folder / "scales.npy", np.concatenate([empty, *(part.scales for part in made)]))
    np.save(folder / "errors.npy", np.concatenate([empty, *(part.errors for part in made)]))


def _seal(path: Path) -> FileSum:
    sync_file(path)
    return FileSum(name=path.name, size=path.stat().st_size, sha256=sha256_of(path))


def _columns(folder: Path) -> Columns:
    def read(field: str, kind: type[_Number]) -> NDArray[_Number]:
        return _mapped(folder / f"{field}.npy", kind)

    return Columns(
        document_ids=read("document_ids", np.int64),
        versions=read("versions", np.int32),
        acl_ids=read("acl_ids", np.int64),
        chunk_starts=read("chunk_starts", np.int64),
        chunk_ids=read("chunk_ids", np.int64),
        lengths=read("lengths", np.int32),
        postings=Postings(
            term_bytes=read("term_bytes", np.uint8),
            term_starts=read("term_starts", np.int64),
            posting_starts=read("posting_starts", np.int64),
            posting_chunks=read("posting_chunks", np.int32),
            posting_counts=read("posting_counts", np.int32),
        ),
    )


def _codes(folder: Path) -> Codes:
    return Codes(
        codes=_mapped(folder / "codes.npy", np.int8),
        scales=_mapped(folder / "scales.npy", np.float32),
        errors=_mapped(folder / "errors.npy", np.float32),
    )


def _mapped(path: Path, kind: type[_Number]) -> NDArray[_Number]:
    """A read-only array on the file. A plain ndarray: slicing a memmap costs several times more."""
    stored = np.load(path, allow_pickle=False, mmap_mode="r")
    if stored.dtype != kind:
        raise ValueError(f"{path.name} holds {stored.dtype}")
    mapped: NDArray[_Number] = stored.view(np.ndarray)
    return mapped


def _damaged(entry: SegmentEntry, what: str) -> IndexDamaged:
    return IndexDamaged(
        f"Index segment {entry.name}: {what}. Drop it and publish its documents again from the database."
    )
