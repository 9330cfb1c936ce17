"""A connector for any tree of files: access file, companions, groups file, checkpoints.

Files have no change feed, so every run lists all folders; a run that was interrupted asks again
only for folders that may hold what lies after its checkpoint. Companions and the access file are
read by every run, because they say who may see what and nothing tells reliably that they did not change.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from assistant.common.acl import PUBLIC, Acl
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import said, told
from assistant.common.types import Json, JsonObject
from connectors.sdk.access_file import MAX_ACCESS_FILE_BYTES, AccessRules, decode_access, hide_all
from connectors.sdk.audience import audience_acl
from connectors.sdk.companion import MAX_COMPANION_BYTES, NO_COMPANION, SUFFIX, Companion, parse_companion
from connectors.sdk.contract import (
    BytesContent,
    CheckItem,
    Checkpoint,
    Complete,
    ConfigField,
    DocumentAcl,
    Event,
    Failure,
    FieldType,
    PermissionEvent,
    PrincipalEvent,
    Upsert,
)
from connectors.sdk.errors import Retry
from connectors.sdk.exact_json import MalformedError, decode_json
from connectors.sdk.folder_names import folded
from connectors.sdk.group_record import MAX_GROUPS_FILE_BYTES, parse_groups
from connectors.sdk.posix_acl import narrowed
from connectors.sdk.source import BaseSource, picked
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.tree import FolderGone, FolderUnread, Found, Path, Tree, Walk
from connectors.sdk.tree_trial import Stated, try_out
from connectors.sdk.withheld import WITHHELD, withheld

CHECKPOINT_EVERY = 100
_RETRY_S = 60.0

ACCESS_FILE_FIELD = ConfigField(
    "access_file",
    FieldType.TEXT,
    label={"en": "Access file", "ko": "접근 권한 파일"},
    help={
        "en": "Its path below the folder: who may see which prefix, in the shape of Amazon's S3 connectors. "
        "Whoever may write it decides who reads.",
        "ko": "폴더 아래의 경로입니다. 경로별로 누가 볼 수 있는지 Amazon S3 커넥터와 같은 형식으로 적습니다. "
        "이 파일을 고칠 수 있는 사람이 권한을 정하게 됩니다.",
    },
    example="access.json",
)
GROUPS_FILE_FIELD = ConfigField(
    "groups_file",
    FieldType.TEXT,
    label={"en": "Groups file", "ko": "그룹 파일"},
    help={
        "en": "Its path below the folder: the members of the groups that lists name.",
        "ko": "폴더 아래의 경로입니다. 접근 목록에 나오는 그룹의 구성원을 적습니다.",
    },
    example="groups.json",
)


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """Who may read. `by_rights`: the server's own rights count, and the rest only narrows them.

    Paths of the access file and the groups file are below the root; `otherwise` holds for what
    neither the access file nor a companion covers.
    """

    access_file: Path = ()
    groups_file: Path = ()
    otherwise: Acl = PUBLIC
    by_rights: bool = False


def tree_settings(config: JsonObject, *, by_rights: bool = False) -> TreeSettings:
    """The settings `access_file`, `groups_file` and `audience` of a validated configuration."""
    return TreeSettings(
        access_file=_path(config.get("access_file")),
        groups_file=_path(config.get("groups_file")),
        otherwise=PUBLIC if by_rights else audience_acl(config.get("audience")),
        by_rights=by_rights,
    )


def _path(value: Json) -> Path:
    """The plain path; what still leads out of the folder is left to the server."""
    parts: list[str] = []
    for part in str(value or "").split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class _Readable:
    found: Found
    companion: Companion
    acl: Acl | None


class TreeSource(BaseSource):
    """One tree. Opens nothing until asked; `open_tree` connects and signs in."""

    def __init__(
        self, open_tree: Callable[[], Tree], settings: TreeSettings, surroundings: Surroundings
    ) -> None:
        self._open_tree = open_tree
        self._settings = settings
        self._surroundings = surroundings
        self._tree: Tree | None = None
        self._lock = threading.Lock()

    def check(self) -> list[CheckItem]:
        """Sign in, list a part of the tree, open a file, read the access file and the groups file."""
        by_rights = self._settings.by_rights
        stated = Stated(
            rules=self._rules,
            has_access_file=bool(self._settings.access_file),
            audience=told("whom their own rights let in") if by_rights else told("the audience"),
            groups=self.principals if self._settings.groups_file else None,
        )
        return try_out(self._opened, found=lambda: self._walk().files(), stated=stated)

    def documents(
        self,
        *,
        cursor: JsonObject | None = None,  # noqa: ARG002 - no change feed
        checkpoint: JsonObject | None = None,
    ) -> Iterator[Event]:
        """Every document after the checkpoint."""
        after = str(checkpoint.get("after", "")) if checkpoint else ""
        walk = replace(self._walk(), enter=lambda folder: folder > after or after.startswith(folder))
        yield from self._events(walk, lambda name: name > after)

    def again(self, external_ids: Sequence[str]) -> Iterator[Event]:
        """These documents, from listings of the folders that lead to them."""
        wanted = set(external_ids)
        leading = {each[: n + 1] for each in wanted for n, c in enumerate(each) if c == "/"} | {""}
        walk = replace(self._walk(), enter=lambda folder: folder in leading)
        yield from picked(self._events(walk, frozenset(wanted).__contains__), wanted)

    def permissions(self) -> Iterator[PermissionEvent]:
        """The ACL of every document; reads the access file and the companions, no document."""
        rules = self._rules()
        yield from rules.failures()
        for item in self._readable(self._walk(), rules, bool):
            yield item if isinstance(item, Failure) else DocumentAcl(item.found.external_id, item.acl)
        yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """The groups of the groups file: all of them, or none and the reason."""
        path = self._settings.groups_file
        if path:
            try:
                groups = parse_groups(decode_json(self._setting(path, limit=MAX_GROUPS_FILE_BYTES)))
            except (MalformedError, DocumentFailure) as error:
                detail = told(
                    "The groups file '{name}' {error}. Mend it and sync again.",
                    name=path[-1],
                    error=_said(error),
                )
                yield Failure("", FailureCode.BAD_PERMISSIONS, detail, hide=True, is_prefix=True)
                return
            yield from groups
        yield Complete()

    def close(self) -> None:
        """Close the tree."""
        with self._lock:
            tree, self._tree = self._tree, None
        if tree is not None:
            tree.close()

    def _opened(self) -> Tree:
        with self._lock:
            if self._tree is None:
                self._tree = self._open_tree()
            return self._tree

    def _rules(self) -> AccessRules:
        path = self._settings.access_file
        if not path:
            return AccessRules({}, (), self._settings.otherwise)
        try:
            data = self._setting(path, limit=MAX_ACCESS_FILE_BYTES)
        except DocumentFailure as error:
            return hide_all(
                told(
                    "The access file '{name}' {error}. Mend it and sync again.",
                    name=path[-1],
                    error=_said(error),
                )
            )
        return replace(decode_access(data, name=path[-1]), otherwise=self._settings.otherwise)

    def _setting(self, path: Path, *, limit: int) -> bytes:
        """The access file or the groups file. What is only not handed over changes nobody's permissions.

        Raises:
            DocumentFailure: it is not there, too large or no file, and stays so until somebody mends it.
            Reconfigure, Retry: it is there, and the account may not read it, or not now.
        """
        try:
            return self._opened().read(path, limit=limit)
        except DocumentFailure as error:
            trouble = withheld("/".join(path), error, is_there=lambda: self._has(path))
            if trouble is None:
                raise
            raise trouble from error

    def _has(self, path: Path) -> bool:
        """Whether the folders that lead to a file name it.

        Raises:
            Stop, Retry: the root is gone, or a folder cannot be listed.
        """
        tree = self._opened()
        tree.root()
        try:
            return all(
                any(node.name == name for node in tree.children(path[:depth]))
                for depth, name in enumerate(path)
            )
        except FolderGone:
            return False
        except FolderUnread as error:
            unlisted = told(
                "The folder of '{name}' is not listed: {why}", name="/".join(path), why=said(error)
            )
            raise Retry(unlisted, after=_RETRY_S) from error

    def _walk(self) -> Walk:
        # A server may open them by another spelling than the one under which it lists them.
        named = (self._settings.access_file, self._settings.groups_file)
        left_out = frozenset(folded("/".join(path)) for path in named)
        return Walk(self._opened(), leave_out=left_out, stopped=self._surroundings.stopped)

    def _events(self, walk: Walk, keep: Callable[[str], bool]) -> Iterator[Event]:
        rules = self._rules()
        yield from rules.failures()
        reported = 0
        for item in self._readable(walk, rules, keep):
            if isinstance(item, Failure):
                yield item
                continue
            yield self._upsert(item)
            reported += 1
            if reported % CHECKPOINT_EVERY == 0:
                yield Checkpoint({"after": item.found.external_id})
        yield Complete()

    def _readable(
        self, walk: Walk, rules: AccessRules, keep: Callable[[str], bool]
    ) -> Iterator[_Readable | Failure]:
        """The documents whose ids are to be kept, which alone are asked for companions."""
        for found in walk.files():
            if isinstance(found, Failure):
                yield found
                continue
            if not keep(found.external_id):
                continue
            try:
                companion = self._companion(found)
            except MalformedError as error:
                detail = told(
                    "Its companion '{companion}' {error}. Mend or remove it.",
                    companion=found.companion,
                    error=error,
                )
                yield Failure(found.external_id, FailureCode.BAD_PERMISSIONS, detail, hide=True)
                continue
            except DocumentFailure as error:
                # Without its title and attributes it would be another document, so it stays as it was.
                detail = told("Its companion {problem}", problem=_said(error))
                yield Failure(found.external_id, error.code, detail)
                continue
            stated = rules.acl_of(found.external_id, companion.clause)
            by_rights = self._settings.by_rights
            yield _Readable(found, companion, narrowed(stated, found.layers) if by_rights else stated)

    def _companion(self, found: Found) -> Companion:
        """What stands beside the file.

        Raises:
            MalformedError: until somebody mends it, nobody knows who may read the file.
            DocumentFailure: it is listed and not handed over.
        """
        if not found.companion:
            return NO_COMPANION
        if found.companion != found.parts[-1] + SUFFIX:
            raise MalformedError(told("is not spelt exactly like its file"))
        path = (*found.parts[:-1], found.companion)
        try:
            data = self._opened().read(path, limit=MAX_COMPANION_BYTES)
        except DocumentFailure as error:
            if error.code in WITHHELD:
                raise
            raise MalformedError(_said(error)) from error
        try:
            return parse_companion(decode_json(data))
        except MalformedError as error:
            raise MalformedError(told("is not understood: {error}", error=error)) from error

    def _upsert(self, item: _Readable) -> Upsert:
        node, companion = item.found.node, item.companion
        version = f"{node.version}-{companion.fingerprint}" if companion.fingerprint else node.version
        return Upsert(
            external_id=item.found.external_id,
            version=version,
            title=companion.title,
            name=item.found.parts[-1],
            url=companion.url or self._opened().address(item.found.parts),
            media_type=companion.media_type or node.media_type,
            modified=companion.modified or node.modified,
            attributes=companion.attributes,
            acl=item.acl,
            size=node.size,
            fetch=partial(self._fetch, item.found.parts),
        )

    def _fetch(self, path: Path) -> BytesContent:
        return BytesContent(self._opened().read(path, limit=self._surroundings.max_content_bytes))


def _said(error: MalformedError | DocumentFailure) -> str:
    """What is wrong with a file, as the end of a sentence about it."""
    return (
        told("cannot be read: {detail}", detail=error.detail or error.code)
        if isinstance(error, DocumentFailure)
        else said(error)
    )
