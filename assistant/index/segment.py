"""An immutable segment: arrays in files, checked once when opened and mapped from then on.

Documents lie in the order (acl, document, version) and their chunks one after
another, so that what a person may read is a short list of ranges.
"""

from __future__ import annotations

import os
import secrets
import zlib
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from assistant.common.errors import IndexDamaged
from assistant.index.codes import Codes, coded
from assistant.index.durable import sha256_of, sync_file, sync_folder
from assistant.index.manifest import FileSum, SegmentEntry, segments_folder

_VECTORS = "vectors.npy"
_ROW_SUMS = "row_sums.npy"
_UNFINISHED = ".unfinished"
_SMALL = 1 << 20
_NO_ROWS = np.empty((0, 0), np.uint8)

_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Postings:
    """Which chunks hold which term: t terms in the order of their bytes, p postings."""

    term_bytes: NDArray[np.uint8]  # all terms in UTF-8, without separators
    term_starts: NDArray[np.int64]  # (t + 1,) into term_bytes
    posting_starts: NDArray[np.int64]  # (t + 1,) into the postings
    posting_chunks: NDArray[np.int32]  # (p,) positions of chunks, rising within a term
    posting_counts: NDArray[np.uint8]  # (p,) weighted number of occurrences, 1 to 255 (all beyond)

    def term(self, number: int) -> bytes:
        """Term `number` in UTF-8."""
        return self.term_bytes[self.term_starts[number] : self.term_starts[number + 1]].tobytes()

    def term_count(self) -> int:
        """How many terms there are."""
        return len(self.term_starts) - 1


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
) | {_VECTORS, _ROW_SUMS}


class StoredRows:
    """The vectors of a segment, read row by row, each against its own checksum.

    Mapping them would soon make all of them resident, and checking them all would keep the first question
    waiting, though a question needs a few hundred.
    """

    __slots__ = ("_entry", "_first", "_stream", "_sums", "shape")

    def __init__(self, path: Path, entry: SegmentEntry, *, sums: NDArray[np.uint32]) -> None:
        """Keeps the file open, so that it stays readable even when a merge removes it.

        `sums` has shape (n,): the CRC-32 of each row's bytes.
        """
        self._entry = entry
        self._sums = sums
        self._stream = path.open("rb")
        np.lib.format.read_magic(self._stream)
        self.shape, fortran_order, kind = np.lib.format.read_array_header_1_0(self._stream)
        if kind != np.float32 or fortran_order or self.shape != (len(sums), *self.shape[1:2]):
            raise ValueError(f"{path.name} does not hold {len(sums)} rows of float32")
        self._first = self._stream.tell()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """The rows at the places, shape (len(places), d).

        Raises:
            IndexDamaged: a row has been altered, or the file has become shorter.
        """
        width = 4 * self.shape[1]
        number, first = self._stream.fileno(), self._first
        stored = [os.pread(number, width, first + place * width) for place in places.tolist()]
        if list(map(zlib.crc32, stored)) != self._sums[places].tolist():
            raise _damaged(self._entry, f"a row of {_VECTORS} fails its checksum")
        return np.frombuffer(b"".join(stored), np.float32).reshape(len(places), self.shape[1])


class Segment:
    """An open segment. What is mapped stays readable even when a merge removes the files."""

    __slots__ = ("_folder", "_stamps", "codes", "columns", "entry", "rows")

    def __init__(self, root: Path, entry: SegmentEntry) -> None:
        """Check every file and map it.

        Raises:
            IndexDamaged: a file is missing, torn or altered.
        """
        self.entry = entry
        self._folder = segments_folder(root) / entry.name
        self._stamps = self._now()
        check_files(root, entry, but=frozenset({_VECTORS}))  # `StoredRows` checks what it reads
        try:
            self.columns = _columns(self._folder)
            self.codes = _codes(self._folder)
            sums = _mapped(self._folder / _ROW_SUMS, np.uint32)
            self.rows = StoredRows(self._folder / _VECTORS, entry, sums=sums)  # for searches
        except (OSError, ValueError) as error:
            raise _damaged(entry, "cannot be mapped") from error

    def vectors(self) -> NDArray[np.float32]:
        """All vectors, shape (n, d), for merges: searches need a few rows.

        Raises:
            IndexDamaged: they cannot be mapped.
        """
        try:
            return _mapped(self._folder / _VECTORS, np.float32)
        except (OSError, ValueError) as error:
            raise _damaged(self.entry, "cannot be mapped") from error

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


def check_files(root: Path, entry: SegmentEntry, *, but: frozenset[str] = frozenset()) -> None:
    """Read every file of a segment against its checksum; of those in `but`, only the size.

    Raises:
        IndexDamaged: a file is missing, torn or altered; names the segment and the file.
    """
    folder = segments_folder(root) / entry.name
    if {file.name for file in entry.files} != _FILES:
        raise _damaged(entry, "it does not list the files of a segment")
    for file in entry.files:
        try:
            sound = (folder / file.name).stat().st_size == file.size
            sound = sound and (file.name in but or sha256_of(folder / file.name) == file.sha256)
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
    """The rows and what is derived from them, block by block."""
    half = (shape[1] + 1) // 2
    made: list[Codes] = []
    sums: list[int] = []
    with ExitStack() as streams:
        vectors, coarse, fine = (
            _started(streams.enter_context((folder / name).open("wb")), kind, (shape[0], width))
            for name, kind, width in (
                (_VECTORS, "<f4", shape[1]),
                ("coarse.npy", "|u1", half),
                ("fine.npy", "|u1", half),
            )
        )
        for block in blocks:
            rows = np.ascontiguousarray(block, dtype="<f4").reshape(len(block), shape[1])
            vectors.write(rows.tobytes())
            sums.extend(zlib.crc32(row.tobytes()) for row in rows)
            codes = coded(rows)
            coarse.write(codes.coarse.tobytes())
            fine.write(codes.fine.tobytes())
            made.append(replace(codes, coarse=_NO_ROWS, fine=_NO_ROWS))
    assert len(sums) == shape[0], "a segment needs one vector a chunk"
    np.save(folder / _ROW_SUMS, np.array(sums, np.uint32))
    for name in ("scales", "coarse_errors", "fine_errors"):
        parts = [np.empty(0, np.float32), *(getattr(codes, name) for codes in made)]
        np.save(folder / f"{name}.npy", np.concatenate(parts))


def _started(stream: BinaryIO, kind: str, shape: tuple[int, int]) -> BinaryIO:
    header = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream


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
            posting_counts=read("posting_counts", np.uint8),
        ),
    )


def _codes(folder: Path) -> Codes:
    def read(field: str, kind: type[_Number]) -> NDArray[_Number]:
        return _mapped(folder / f"{field}.npy", kind)

    return Codes(
        coarse=read("coarse", np.uint8),
        fine=read("fine", np.uint8),
        scales=read("scales", np.float32),
        coarse_errors=read("coarse_errors", np.float32),
        fine_errors=read("fine_errors", np.float32),
    )


def _mapped(path: Path, kind: type[_Number]) -> NDArray[_Number]:
    """A read-only array on the file, or of a small file a copy: each mapping holds a file open.

    A plain ndarray: slicing a memmap costs several times more.
    """
    large = path.stat().st_size > _SMALL
    stored = np.load(path, allow_pickle=False, mmap_mode="r" if large else None)
    if stored.dtype != kind:
        raise ValueError(f"{path.name} holds {stored.dtype}")
    stored.setflags(write=False)
    mapped: NDArray[_Number] = stored.view(np.ndarray)
    return mapped


def _damaged(entry: SegmentEntry, what: str) -> IndexDamaged:
    return IndexDamaged(
        f"Index segment {entry.name}: {what}. Drop it and publish its documents again from the database."
    )
