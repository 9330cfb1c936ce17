"""The local engine: segments in a folder, one writer at a time, readers in any process."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.common.errors import IndexDamaged, UsageError
from assistant.index.build import checked, columns_of, merged, vector_blocks
from assistant.index.codes import MAX_NORM
from assistant.index.compaction import MOST_SEGMENTS, kept_documents, to_merge
from assistant.index.contract import Candidate, IndexDocument, IndexQuery, PermittedVersions, Problem
from assistant.index.durable import lease
from assistant.index.manifest import (
    Manifest,
    SegmentEntry,
    manifest_bytes,
    parse_manifest,
    segments_folder,
    write_manifest,
)
from assistant.index.search import search
from assistant.index.segment import Segment, check_files, write_segment
from assistant.index.view import Views

_LOCK = "writer.lock"
_NEVER_READ = b""


class LocalIndex:
    """The index in one folder, for the vectors of one model. See `contract.Index`.

    Threads may share an instance. A process that forks may go on using it.
    """

    def __init__(self, folder: Path, *, model: str, dimension: int) -> None:
        self._root = folder
        self._model = model
        self._dimension = dimension
        self._lock = threading.Lock()
        self._stored: bytes | None = _NEVER_READ
        self._manifest = Manifest(model, dimension)
        self._open: dict[str, Segment] = {}
        self._views = Views()

    def search(self, query: IndexQuery, *, permitted: PermittedVersions) -> list[Candidate]:
        """See `Index.search`.

        Raises:
            IndexDamaged: a file fails its checksum or is missing.
            UsageError: the index was built with another model, or the vector is of another length or no unit.
        """
        if query.vector is not None and query.vector.shape != (self._dimension,):
            raise UsageError(
                f"The question's vector has {query.vector.size} components, the index {self._dimension}."
            )
        if query.vector is not None and not np.linalg.norm(query.vector) <= MAX_NORM:  # also catches NaN
            raise UsageError("The question's vector is not of unit length. Use the configured embedder's.")
        return search(self._segments(), query, seen=partial(self._views.of, permitted=permitted))

    def publish(self, documents: Sequence[IndexDocument]) -> None:
        """See `Index.publish`.

        Raises:
            IndexDamaged: the index is damaged: call `discard_damaged` first.
            UsageError: a document cannot be indexed, or the index was built with another model.
        """
        wanted = checked(documents, dimension=self._dimension)
        with lease(self._root / _LOCK):
            segments = self._segments()
            known = {pair for segment in segments for pair in _pairs(segment)}
            fresh = {(d.document_id, d.version): d for d in reversed(wanted)}
            new = [document for pair, document in fresh.items() if pair not in known]
            if not new:
                return
            if self._stored is None:  # from the first segment on there is always a manifest
                write_manifest(self._root, self._manifest)
            self._remove_leftovers(self._manifest)
            columns, vectors = columns_of(new)
            entry = write_segment(self._root, columns, [vectors], dimension=self._dimension)
            self._replace(self._manifest.segments, (*self._manifest.segments, entry))
            if len(self._manifest.segments) + 1 > MOST_SEGMENTS:
                self._merge_some()

    def contents(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """See `Index.contents`."""
        columns = [segment.columns for segment in self._segments()]
        ids = np.concatenate([np.empty(0, np.int64), *(part.document_ids for part in columns)])
        versions = np.concatenate([np.empty(0, np.int32), *(part.versions for part in columns)])
        return ids, versions

    def compact(self, *, live: PermittedVersions, force: bool = False) -> bool:
        """See `Index.compact`. Cheap when nothing is worth doing, so call it after every batch.

        Raises:
            IndexDamaged: the index is damaged: call `discard_damaged` first.
            UsageError: the index was built with another model.
        """
        with lease(self._root / _LOCK):
            segments = self._segments()
            kept = {segment.entry.name: kept_documents(segment.columns, live) for segment in segments}
            chosen = to_merge(segments, kept, force=force)
            if not chosen:
                return False
            self._merge(chosen, kept)
            return True

    def verify(self) -> list[Problem]:
        """See `Index.verify`."""
        while True:
            before = self._glance()
            problems = self._problems()
            if not problems or self._glance() == before:
                return problems

    def discard_damaged(self) -> list[Problem]:
        """Drop what fails its checksum; what `contents` then lacks can be published again.

        A damaged manifest drops everything. Returns what was found, empty if the index is sound.

        Raises:
            UsageError: the index was built with another model.
        """
        with lease(self._root / _LOCK):
            problems = self._problems()
            if not problems:
                return []
            try:
                manifest = self._read_manifest(manifest_bytes(self._root))
            except IndexDamaged:
                self._replace((), ())
                return problems
            manifest.refuse_other_model(self._model, self._dimension)
            damaged = {problem.where for problem in problems}
            sound = tuple(entry for entry in manifest.segments if entry.name not in damaged)
            self._replace(manifest.segments, sound)
            return problems

    def drop(self) -> None:
        """See `Index.drop`. Works whatever state the index is in."""
        with lease(self._root / _LOCK):
            self._replace((), ())

    def chunk_ids(self, document_ids: Iterable[int]) -> dict[tuple[int, int], tuple[int, ...]]:
        """See `Index.chunk_ids`."""
        wanted = np.fromiter(document_ids, dtype=np.int64)
        found: dict[tuple[int, int], tuple[int, ...]] = {}
        for columns in (segment.columns for segment in self._segments()):
            for i in np.flatnonzero(np.isin(columns.document_ids, wanted)):
                own = columns.chunk_ids[columns.chunk_starts[i] : columns.chunk_starts[i + 1]]
                found[int(columns.document_ids[i]), int(columns.versions[i])] = tuple(own.tolist())
        return found

    def _merge_some(self) -> None:
        """Make one of the smallest segments, with all that they hold: only `compact` knows what is live."""
        segments = self._segments()
        kept = {part.entry.name: np.ones(len(part.columns.document_ids), np.bool_) for part in segments}
        self._merge(to_merge(segments, kept, force=False), kept)

    def _merge(self, chosen: Sequence[Segment], kept: Mapping[str, NDArray[np.bool_]]) -> None:
        """Put one new segment of the kept documents in the place of the chosen ones. Needs the lease."""
        # An open segment was checked when it was opened, perhaps long ago. A merge gives what it reads
        # new checksums, after which nobody could tell any more what the disk has altered since.
        for segment in chosen:
            check_files(self._root, segment.entry)
        self._remove_leftovers(self._manifest)
        masks = [kept[segment.entry.name] for segment in chosen]
        gone = {segment.entry.name for segment in chosen}
        entries = [entry for entry in self._manifest.segments if entry.name not in gone]
        if any(mask.any() for mask in masks):
            columns, rows = merged(chosen, masks)
            blocks = vector_blocks(chosen, rows)
            entries.append(write_segment(self._root, columns, blocks, dimension=self._dimension))
        self._replace(self._manifest.segments, tuple(entries))

    def _segments(self) -> tuple[Segment, ...]:
        """All published segments, open and checked; only what is new is read."""
        with self._lock:
            while True:
                stored = manifest_bytes(self._root)
                try:
                    return self._reopen(self._read_manifest(stored))
                except IndexDamaged:
                    # A merge may have removed the files after the manifest was read.
                    if self._glance() == stored:
                        raise

    def _reopen(self, manifest: Manifest) -> tuple[Segment, ...]:
        manifest.refuse_other_model(self._model, self._dimension)
        kept: dict[str, Segment] = {}
        for entry in manifest.segments:
            known = self._open.get(entry.name)
            sound = known is not None and known.entry == entry and known.untouched()
            kept[entry.name] = known if known is not None and sound else Segment(self._root, entry)
        self._open = kept
        return tuple(kept.values())

    def _read_manifest(self, stored: bytes | None) -> Manifest:
        """What the stored bytes say; parsed again only when they changed."""
        if stored is None:
            self._manifest = Manifest(self._model, self._dimension)
        elif stored != self._stored:
            self._manifest = parse_manifest(stored, root=self._root)
        self._stored = stored
        return self._manifest

    def _glance(self) -> bytes | None:
        try:
            return manifest_bytes(self._root)
        except IndexDamaged:
            return _NEVER_READ

    def _problems(self) -> list[Problem]:
        try:
            stored = manifest_bytes(self._root)
            manifest = parse_manifest(stored, root=self._root) if stored is not None else None
        except IndexDamaged as error:
            return [Problem("index_manifest", "manifest", str(error))]
        if manifest is None:
            return []
        try:
            manifest.refuse_other_model(self._model, self._dimension)
        except UsageError as error:
            return [Problem("index_model", "manifest", str(error))]
        problems: list[Problem] = []
        for entry in manifest.segments:
            try:
                check_files(self._root, entry)
            except IndexDamaged as error:
                problems.append(Problem("index_segment", entry.name, str(error)))
        return problems

    def _replace(self, before: Sequence[SegmentEntry], after: tuple[SegmentEntry, ...]) -> None:
        """Publish a new list of segments, then remove the folders that it no longer names."""
        manifest = Manifest(self._model, self._dimension, after)
        write_manifest(self._root, manifest)
        if set(before) != set(after) or not after:
            self._remove_leftovers(manifest)

    def _remove_leftovers(self, manifest: Manifest) -> None:
        """Remove what no manifest names: merged segments and what a killed writer left."""
        folder = segments_folder(self._root)
        named = {entry.name for entry in manifest.segments}
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name not in named:
                shutil.rmtree(path, ignore_errors=True)


def _pairs(segment: Segment) -> Iterable[tuple[int, int]]:
    columns = segment.columns
    return zip(columns.document_ids.tolist(), columns.versions.tolist(), strict=True)
