"""Engines that are wrong on purpose: each in one way, and each caught by the check that it names."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.common.errors import IndexDamaged, UsageError
from assistant.index.contract import Candidate, IndexDocument, IndexQuery, PermittedVersions
from assistant.index.durable import lease
from tests.index.reference_engine import Pair, ReferenceIndex, Stored
from tests.index.world import plainly_found


class ForgetsPermissions(ReferenceIndex):
    def _found(
        self, documents: list[IndexDocument], query: IndexQuery, permitted: PermittedVersions
    ) -> list[Candidate]:
        versions = np.zeros(1 + max((d.document_id for d in documents), default=0), np.int32)
        for each in documents:
            versions[each.document_id] = each.version
        return plainly_found(documents, query, versions)


class FiltersAfterwards(ReferenceIndex):
    """Finds the best of all documents and then drops what is hidden: statistics tell of it."""

    def _found(
        self, documents: list[IndexDocument], query: IndexQuery, permitted: PermittedVersions
    ) -> list[Candidate]:
        versions = np.zeros(1 + max((d.document_id for d in documents), default=0), np.int32)
        for each in documents:
            versions[each.document_id] = each.version
        whole = plainly_found(documents, replace(query, k=1000), versions)
        shown = [c for c in whole if c.document_id < len(permitted) and permitted[c.document_id] == c.version]
        return shown[: query.k]


class MissesNeighbours(ReferenceIndex):
    """Looks at most at two thirds of what is permitted, as a graph under a filter does."""

    def _found(
        self, documents: list[IndexDocument], query: IndexQuery, permitted: PermittedVersions
    ) -> list[Candidate]:
        seen = [d for d in documents if len(documents) < 30 or d.document_id % 3]
        return super()._found(seen, query, permitted)


class TiesAsTheyCome(ReferenceIndex):
    def _found(
        self, documents: list[IndexDocument], query: IndexQuery, permitted: PermittedVersions
    ) -> list[Candidate]:
        found = super()._found(documents, replace(query, k=1000), permitted)
        return sorted(found, key=lambda c: (-c.score, -c.chunk_id))[: query.k]


class FoldsTooLate(ReferenceIndex):
    """Takes the best k and then one of each document: too few are left."""

    def _found(
        self, documents: list[IndexDocument], query: IndexQuery, permitted: PermittedVersions
    ) -> list[Candidate]:
        found = super()._found(documents, replace(query, one_per_document=False), permitted)
        best: dict[int, Candidate] = {}
        for each in found:
            best.setdefault(each.document_id, each)
        return list(best.values()) if query.one_per_document else found


class MixesVersions(ReferenceIndex):
    def _found(
        self, documents: list[IndexDocument], query: IndexQuery, permitted: PermittedVersions
    ) -> list[Candidate]:
        shown = [
            replace(d, version=int(permitted[d.document_id]))
            for d in documents
            if d.document_id < len(permitted) and permitted[d.document_id]
        ]
        return super()._found(shown, query, permitted)


class CountsFromTheEnd(ReferenceIndex):
    """Reads past the end of the permissions as numpy does: the last one stands for all that follow."""

    def _found(
        self, documents: list[IndexDocument], query: IndexQuery, permitted: PermittedVersions
    ) -> list[Candidate]:
        longer = np.append(permitted, np.full(2000, permitted[-1] if len(permitted) else 1, np.int32))
        return super()._found(documents, query, longer)


class RemembersPermissions(ReferenceIndex):
    """Keeps the first permission of each array that it is given."""

    def search(self, query: IndexQuery, *, permitted: PermittedVersions) -> list[Candidate]:
        kept: dict[int, PermittedVersions] = self.__dict__.setdefault("kept", {})
        return super().search(query, permitted=kept.setdefault(id(permitted), permitted.copy()))


class TakesAnyVector(ReferenceIndex):
    def search(self, query: IndexQuery, *, permitted: PermittedVersions) -> list[Candidate]:
        try:
            return super().search(query, permitted=permitted)
        except UsageError:
            return []


class SharesScratch(ReferenceIndex):
    """Two searches at once write to one place."""

    def search(self, query: IndexQuery, *, permitted: PermittedVersions) -> list[Candidate]:
        self.asked = query
        time.sleep(0.0005)
        return super().search(self.asked, permitted=permitted)


class PublishesHalf(ReferenceIndex):
    def publish(self, documents: Sequence[IndexDocument]) -> None:
        for each in documents:
            super().publish([each])


class ReadsOnce(ReferenceIndex):
    """Keeps what it read first, until it writes itself."""

    kept: Stored | None = None

    def _read(self) -> Stored:
        self.kept = self.kept or super()._read()
        return self.kept


class DoublesPublished(ReferenceIndex):
    """Keeps a second copy of what is published again."""

    def publish(self, documents: Sequence[IndexDocument]) -> None:
        known = set(self._read().documents)
        again = [d for d in documents if (d.document_id, d.version) in known]
        super().publish(documents)
        super().publish([replace(d, version=d.version + 1) for d in again])


class ForgetsTheEmpty(ReferenceIndex):
    def publish(self, documents: Sequence[IndexDocument]) -> None:
        super().publish([d for d in documents if d.chunks])


class ListsTheNewestOnly(ReferenceIndex):
    def chunk_ids(self, document_ids: Iterable[int]) -> dict[Pair, tuple[int, ...]]:
        newest: dict[int, Pair] = {}
        found = super().chunk_ids(document_ids)
        for pair in sorted(found):
            newest[pair[0]] = pair
        return {pair: found[pair] for pair in newest.values()}


class WideVersions(ReferenceIndex):
    def contents(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        ids, versions = super().contents()
        return ids, versions.astype(np.int64)


class MergesTooMuch(ReferenceIndex):
    """Takes every older version for dead, and the document with it."""

    def compact(self, *, live: PermittedVersions, force: bool = False) -> bool:
        first = np.where(live > 1, 0, live)
        return super().compact(live=first.astype(np.int32), force=force)


class WritesWithoutTurns(ReferenceIndex):
    """Reads, takes its time, and writes what it read."""

    def publish(self, documents: Sequence[IndexDocument]) -> None:
        stored = self._read()
        time.sleep(0.002)
        for each in documents:
            stored.documents.setdefault((each.document_id, each.version), each)
        with lease(self._folder / "lock"):
            self._write(stored)


class BelongsToItsProcess(ReferenceIndex):
    """Works in the process that opened it."""

    def __init__(self, folder: Path, *, model: str, dimension: int) -> None:
        super().__init__(folder, model=model, dimension=dimension)
        self._owner = os.getpid()

    def search(self, query: IndexQuery, *, permitted: PermittedVersions) -> list[Candidate]:
        return super().search(query, permitted=permitted) if os.getpid() == self._owner else []


class KeepsItToItself(ReferenceIndex):
    """Each process has its own file."""

    def __init__(self, folder: Path, *, model: str, dimension: int) -> None:
        super().__init__(folder / str(os.getpid()), model=model, dimension=dimension)


class TakesAnyModel(ReferenceIndex):
    def _read(self) -> Stored:
        try:
            return super()._read()
        except UsageError:
            return Stored(self._model, self._dimension)


class ServesWhatIsThere(ReferenceIndex):
    """Takes a file that fails its checksum for an empty one."""

    def _read(self) -> Stored:
        try:
            return super()._read()
        except IndexDamaged:
            return Stored(self._model, self._dimension)


class NeedsABeginning(ReferenceIndex):
    def _read(self) -> Stored:
        if not self._file.exists():
            raise IndexDamaged("There is no index here yet.")
        return super()._read()


class NamesTwice(ReferenceIndex):
    """Takes the last of two equal names in a call for another version."""

    def publish(self, documents: Sequence[IndexDocument]) -> None:
        seen: set[Pair] = set()
        told: list[IndexDocument] = []
        for each in documents:
            again = (each.document_id, each.version) in seen
            told.append(replace(each, version=each.version + 7) if again else each)
            seen.add((each.document_id, each.version))
        super().publish(told)


class KnowsNoTitles(ReferenceIndex):
    def publish(self, documents: Sequence[IndexDocument]) -> None:
        super().publish([replace(each, title="", name="") for each in documents])


class NeedsAVector(ReferenceIndex):
    def search(self, query: IndexQuery, *, permitted: PermittedVersions) -> list[Candidate]:
        return super().search(query, permitted=permitted) if query.vector is not None else []


# Which check catches which: every check of the suite stands here at least once.
CAUGHT_BY: dict[type[ReferenceIndex], str] = {
    ForgetsPermissions: "results_equal_those_of_plain_loops_under_random_permissions",
    FiltersAfterwards: "hidden_documents_order_and_batches_change_not_one_bit",
    MissesNeighbours: "the_nearest_are_found_among_many_that_lie_close_together",
    TiesAsTheyCome: "equal_scores_are_ordered_by_chunk_id",
    FoldsTooLate: "one_per_document_keeps_the_best_chunk_of_each",
    MixesVersions: "only_the_permitted_version_is_found",
    CountsFromTheEnd: "documents_past_the_end_of_the_array_are_not_permitted",
    RemembersPermissions: "a_permission_that_changed_is_obeyed_by_the_next_search",
    KnowsNoTitles: "a_title_and_a_file_name_find_their_document",
    NeedsAVector: "a_question_without_a_vector_is_answered_by_words_alone",
    TakesAnyVector: "a_vector_that_is_no_unit_vector_of_the_model_is_refused",
    SharesScratch: "threads_that_share_an_index_get_their_own_results",
    DoublesPublished: "publishing_a_version_twice_changes_nothing",
    NamesTwice: "a_version_named_twice_in_one_call_is_indexed_once",
    ForgetsTheEmpty: "a_document_without_chunks_is_remembered",
    ListsTheNewestOnly: "chunk_ids_are_listed_by_document_and_version",
    WideVersions: "contents_are_of_one_type_and_name_each_version_once",
    PublishesHalf: "documents_are_published_all_or_none",
    ReadsOnce: "another_reader_sees_at_once_what_was_published_merged_and_dropped",
    KeepsItToItself: "another_process_sees_the_same_and_is_seen",
    BelongsToItsProcess: "a_process_that_forks_may_go_on_in_both",
    WritesWithoutTurns: "writers_take_turns_and_readers_never_see_half",
    MergesTooMuch: "compaction_keeps_what_is_live_and_nothing_else",
    TakesAnyModel: "another_model_is_refused_until_the_index_is_dropped",
    NeedsABeginning: "an_index_of_nothing_is_sound_and_finds_nothing",
    ServesWhatIsThere: "damage_is_detected_never_served_and_mended_from_what_is_missing",
}
