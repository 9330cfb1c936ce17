"""A bare copy of one branch of a repository, and what lies in it. Nothing is ever checked out.

The copy holds the newest commit without its history. It may vanish at any time and is then made anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assistant.common.pace import wait
from assistant.common.told import told
from connectors.sdk.errors import ConnectorError, Retry, Stop
from connectors.sdk.surroundings import Surroundings
from connectors.sources.git.address import Repository
from connectors.sources.git.program import Damaged, Git

_HEAD = "refs/mundap/head"
_FILES = frozenset({"100644", "100755"})  # no links (120000), no submodules (160000)
_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MOST_PACKS = 40
_RETRY_S = 60.0


@dataclass(frozen=True, slots=True)
class File:
    """A file of a commit. `size` None: not asked."""

    path: str  # bytes that are no UTF-8 as surrogates
    blob: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """A path that differs between two commits: what lies there now, if it is a file."""

    path: str
    blob: str  # empty: no file is there any more


class Mirror:
    """The copy of one repository below `folder`."""

    def __init__(
        self, where: Repository, branch: str, folder: Path, git: Git, surroundings: Surroundings
    ) -> None:
        self.where = where
        self._ref = f"refs/heads/{branch}" if branch else "HEAD"
        self._git = git
        self._surroundings = surroundings
        mark = hashlib.sha256(f"{where.url} {self._ref}".encode()).hexdigest()[:24]
        self.folder = folder / f"{mark}.git"

    def newest(self) -> str:
        """Fetch the newest commit of the branch; returns its id.

        Raises:
            ConnectorError: see `Git.remote`.
        """
        with self._alone():
            try:
                return self._fetched()
            except Damaged:
                shutil.rmtree(self.folder, ignore_errors=True)
            try:
                return self._fetched()
            except Damaged as error:
                raise Retry(
                    told("'{name}' cannot be copied: {error}", name=self.where.name, error=error),
                    after=_RETRY_S,
                ) from error

    def head(self) -> str:
        """The newest commit's id as the server tells it; nothing is copied.

        Raises:
            ConnectorError: see `Git.remote`; Stop where there is no such branch.
        """
        try:
            answered = self._git.remote(
                self.where, None, "ls-remote", "--quiet", "--", self.where.url, self._ref
            )
        except Damaged as error:
            raise Retry(
                told("'{name}' cannot be asked: {error}", name=self.where.name, error=error), after=_RETRY_S
            ) from error
        commit = answered.decode("ascii", "replace").partition("\t")[0]
        if not _OBJECT.fullmatch(commit):
            raise Stop(told("'{name}' has no commit on this branch.", name=self.where.name))
        return commit

    def has(self, commit: str) -> bool:
        """Whether the commit is here or can still be had."""
        if not _OBJECT.fullmatch(commit):
            return False
        with contextlib.suppress(Damaged):
            self._git.local(self.folder, "cat-file", "-e", f"{commit}^{{tree}}")
            return True
        try:
            with self._alone():
                self._fetch(commit)
        except (Damaged, ConnectorError):
            return False
        return True

    def files(self, commit: str) -> Iterator[File]:
        """Every file of a commit in the order of its bytes.

        Raises:
            Damaged: the copy is not there any more.
        """
        answered = self._git.local(self.folder, "ls-tree", "-r", "-z", "-l", "--full-tree", commit)
        for line in answered.split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, blob, size = about.decode("ascii").split()
            if mode in _FILES:
                yield File(_text(path), blob, int(size) if size.isdecimal() else None)

    def changes(self, old: str, new: str) -> Iterator[Change]:
        """Every path at which two commits differ, whatever lies between them.

        Raises:
            Damaged: one of them is not here any more.
        """
        answered = self._git.local(self.folder, "diff-tree", "-r", "-z", "--raw", "--no-renames", old, new)
        parts = answered.split(b"\0")
        for about, path in zip(parts[:-1:2], parts[1::2], strict=True):
            _, mode, _, blob, _ = about.decode("ascii").removeprefix(":").split()
            yield Change(_text(path), blob if mode in _FILES else "")

    def blob_at(self, commit: str, path: str) -> str:
        """The blob of a file in a commit; empty where no file is there."""
        name = path.encode("utf-8", "surrogateescape")
        return next((found.blob for found in self.files(commit) if found.path == _text(name)), "")

    def _fetched(self) -> str:
        if (
            self.folder.is_dir()
            and len(list((self.folder / "objects" / "pack").glob("*.pack"))) > _MOST_PACKS
        ):
            shutil.rmtree(self.folder)
        if not (self.folder / "HEAD").is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._git.local(self.folder, "init", "--bare", "--quiet")
        self._fetch(f"+{self._ref}:{_HEAD}")
        commit = self._git.local(self.folder, "rev-parse", f"{_HEAD}^{{commit}}").decode("ascii").strip()
        if not _OBJECT.fullmatch(commit):
            raise Damaged(told("no commit"))
        return commit

    def _fetch(self, what: str) -> None:
        self._git.remote(
            self.where, self.folder, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head",
            "--no-recurse-submodules", "--", self.where.url, what,
        )  # fmt: skip

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time changes the copy. The lock dies with its holder."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self.folder.with_suffix(".lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    wait(0.2, stopped=self._surroundings.stopped)
            yield


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
