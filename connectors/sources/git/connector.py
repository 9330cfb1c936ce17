"""Files of one branch of Git repositories, readable by an audience that the administrator names.

The change feed is the commit: two commits are compared file by file, so a rewritten history is no
gap as long as the commit that was read last is still to be had. Listing costs one command a
repository and no content, so a run that was interrupted lists anew; the versions tell the engine what it has.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import said, told
from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    BytesContent,
    CaughtUp,
    CheckItem,
    Checkpoint,
    Complete,
    DocumentAcl,
    Event,
    Failure,
    FeedGap,
    PermissionEvent,
    PrincipalEvent,
    Tombstone,
    Upsert,
)
from connectors.sdk.document_fields import web_address
from connectors.sdk.errors import ConnectorError, Retry
from connectors.sdk.names import escaped_id, id_problem
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings
from connectors.sources.git.address import link
from connectors.sources.git.blobs import Blobs
from connectors.sources.git.mirror import Change, File, Mirror
from connectors.sources.git.program import Damaged, Git, Proof
from connectors.sources.git.selection import Selection
from connectors.sources.git.trial import try_out

CHECKPOINT_EVERY = 100
_LFS = b"version https://git-lfs.github.com/spec/v1\n"
_RETRY_S = 10.0


class GitConnector(BaseSource):
    """Some repositories of one server or of several. Opens nothing until asked."""

    def __init__(self, *, selection: Selection, proof: Proof, surroundings: Surroundings) -> None:
        self._selection = selection
        self._surroundings = surroundings
        self._git = Git(proof, surroundings)
        self._blobs: dict[str, Blobs] = {}
        self._mirrors: dict[str, Mirror] = {}
        self._own_folder: tempfile.TemporaryDirectory[str] | None = None

    def check(self) -> list[CheckItem]:
        """Ask every repository, copy the first one and read a file of it."""
        return try_out(self._opened(), self._selection, read=self._content)

    def documents(
        self,
        *,
        cursor: JsonObject | None = None,
        checkpoint: JsonObject | None = None,  # noqa: ARG002 - see the module
    ) -> Iterator[Event]:
        """Every file, or those that differ from the commits of the cursor."""
        known = None if cursor is None else self._known(cursor)
        heads, failures = self._heads()
        events = self._all(heads) if known is None else self._changed(known, heads)
        yield from failures.values()
        for number, event in enumerate(events, 1):
            yield event
            if number % CHECKPOINT_EVERY == 0:
                yield Checkpoint({"after": event.external_id})
        if known is None:
            yield Complete(cursor=self._cursor(heads))
        else:
            yield CaughtUp(cursor=self._cursor({**known, **heads}))

    def permissions(self) -> Iterator[PermissionEvent]:
        """The audience, for every file."""
        heads, failures = self._heads()
        yield from failures.values()
        for event in self._all(heads):
            yield event if isinstance(event, Failure) else DocumentAcl(event.external_id, self._selection.acl)
        yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """None: git knows authors, and no readers."""
        yield Complete()

    def close(self) -> None:
        """End git where it still runs, and remove what holds secrets."""
        for blobs in self._blobs.values():
            blobs.close()
        self._blobs.clear()
        self._git.close()
        if self._own_folder is not None:
            self._own_folder.cleanup()
            self._own_folder = None
            self._mirrors.clear()

    def _opened(self) -> Mapping[str, Mirror]:
        """The copies by name. Their folders are made when something is fetched."""
        if not self._mirrors:
            folder = self._place() / "repositories"
            for where in self._selection.repositories:
                mirror = Mirror(where, self._selection.branch, folder, self._git, self._surroundings)
                self._mirrors[where.name] = mirror
        return self._mirrors

    def _place(self) -> Path:
        if self._surroundings.scratch is not None:
            return self._surroundings.scratch
        if self._own_folder is None:
            self._own_folder = tempfile.TemporaryDirectory(prefix="mundap-repositories-")
        return Path(self._own_folder.name)

    def _heads(self) -> tuple[dict[str, str], dict[str, Failure]]:
        """The newest commit of each repository, and why some could not be had.

        Raises:
            ConnectorError: none of them could be had.
        """
        heads: dict[str, str] = {}
        failures: dict[str, Failure] = {}
        problem: ConnectorError | None = None
        for name, mirror in self._opened().items():
            try:
                heads[name] = mirror.newest()
            except ConnectorError as error:
                problem = problem or error
                failures[name] = Failure(f"{name}:", FailureCode.UNLISTED, said(error), is_prefix=True)
        if not heads and problem is not None:
            raise problem
        return heads, failures

    def _cursor(self, heads: Mapping[str, str]) -> JsonObject:
        return {"selection": self._selection.fingerprint, "heads": dict(heads)}

    def _known(self, cursor: JsonObject) -> dict[str, str]:
        """The commit of each repository that the cursor stands for.

        Raises:
            FeedGap: other settings, or another set of repositories.
        """
        heads = cursor.get("heads")
        if cursor.get("selection") != self._selection.fingerprint or not isinstance(heads, Mapping):
            raise FeedGap
        known = {str(name): str(commit) for name, commit in heads.items()}
        if known.keys() != self._opened().keys():
            raise FeedGap
        return known

    def _all(self, heads: Mapping[str, str]) -> Iterator[Upsert | Failure]:
        for name, commit in heads.items():
            mirror = self._opened()[name]
            with _copy_is_there(mirror):
                files = [found for found in mirror.files(commit) if self._selection.takes(found.path)]
            yield from (self._document(mirror, found) for found in files)

    def _changed(
        self, known: Mapping[str, str], heads: Mapping[str, str]
    ) -> Iterator[Upsert | Tombstone | Failure]:
        """What differs, read whole before the first of it is reported.

        Raises:
            FeedGap: a commit of the cursor is not to be had any more.
        """
        found: list[tuple[Mirror, Change]] = []
        for name, commit in heads.items():
            mirror = self._opened()[name]
            if known[name] == commit:
                continue
            if not mirror.has(known[name]):
                raise FeedGap
            with _copy_is_there(mirror):
                changes = mirror.changes(known[name], commit)
                found.extend((mirror, each) for each in changes if self._selection.takes(each.path))
        return self._reported(found)

    def _reported(self, found: list[tuple[Mirror, Change]]) -> Iterator[Upsert | Tombstone | Failure]:
        for mirror, change in found:
            if change.blob:
                with _copy_is_there(mirror):
                    size = self._reader(mirror).size(change.blob)
                yield self._document(mirror, File(change.path, change.blob, size))
            elif not id_problem(_id(mirror, change.path)):
                yield Tombstone(_id(mirror, change.path))

    def _document(self, mirror: Mirror, file: File) -> Upsert | Failure:
        external_id = _id(mirror, file.path)
        problem = id_problem(external_id)
        if problem:
            return Failure(
                escaped_id(external_id), FailureCode.UNREADABLE, told("Its path {problem}.", problem=problem)
            )
        url = ""
        if self._selection.link:
            branch = self._selection.branch
            url = web_address(link(self._selection.link, mirror.where, branch=branch, path=file.path))
        return Upsert(
            external_id=external_id,
            version=f"{file.blob}-{hashlib.sha256(url.encode()).hexdigest()[:8]}",
            title="",
            name=file.path.rpartition("/")[2],
            url=url,
            media_type="",
            modified=None,
            attributes={"repository": mirror.where.name, "path": file.path},
            acl=self._selection.acl,
            size=file.size,
            fetch=partial(self._content, mirror, file),
        )

    def _content(self, mirror: Mirror, file: File) -> BytesContent:
        """What the file holds; what it holds now, if the copy that was listed is gone."""
        most = self._surroundings.max_content_bytes
        try:
            data = self._reader(mirror).read(file.blob, most=most)
        except Damaged:
            data = self._content_anew(mirror, file.path, most=most)
        if data.startswith(_LFS):
            detail = told("Its content lies in Git LFS, which is not read.")
            raise DocumentFailure(FailureCode.UNSUPPORTED, detail)
        return BytesContent(data)

    def _content_anew(self, mirror: Mirror, path: str, *, most: int) -> bytes:
        try:
            blob = mirror.blob_at(mirror.newest(), path)
            if not blob:
                raise DocumentFailure(FailureCode.GONE, told("The file is no longer in the repository."))
            return self._reader(mirror).read(blob, most=most)
        except Damaged as error:
            raise DocumentFailure(FailureCode.UNREACHABLE, said(error)) from error

    def _reader(self, mirror: Mirror) -> Blobs:
        fresh = Blobs(mirror.folder, self._git.environment())  # opens nothing yet
        return self._blobs.setdefault(mirror.where.name, fresh)


def _id(mirror: Mirror, path: str) -> str:
    return f"{mirror.where.name}:{path}"


@contextmanager
def _copy_is_there(mirror: Mirror) -> Iterator[None]:
    try:
        yield
    except Damaged as error:
        raise Retry(
            told("The copy of '{name}' vanished: {error}", name=mirror.where.name, error=error),
            after=_RETRY_S,
        ) from error
