"""A DokuWiki: its pages and uploaded files over XML-RPC, its rights from the files that hold them.

Every run lists the wiki whole. The listing is one request, which gives a hash of each page's
text; the wiki's list of recent changes knows neither what was changed on the disk nor whether a
page was deleted, forgets after some weeks and counts in whole seconds. What an interrupted run
has read, the resumed one recognises by its version and does not fetch again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from assistant.common.acl import Acl
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.pace import Stopped
from assistant.common.told import told
from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    BytesContent,
    CheckItem,
    Checkpoint,
    Complete,
    DocumentAcl,
    Event,
    Failure,
    GroupMembers,
    PermissionEvent,
    PrincipalEvent,
    Upsert,
)
from connectors.sdk.errors import Reconfigure
from connectors.sdk.exact_json import MalformedError
from connectors.sdk.names import escaped_id, id_problem
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings
from connectors.sources.dokuwiki.names import is_page_id, namespace_of
from connectors.sources.dokuwiki.people import Person, principals_of, read_people, read_text
from connectors.sources.dokuwiki.remote import RemoteWiki, Value
from connectors.sources.dokuwiki.rules import AWAITED, Rules, rules_of
from connectors.sources.dokuwiki.trial import try_out
from connectors.sources.dokuwiki.wiki_text import as_markdown

CHECKPOINT_EVERY = 100
FILES = "media/"  # what the ids of uploaded files start with; no page's id has a slash


@dataclass(frozen=True, slots=True)
class Rights:
    """The two files that say who may read what."""

    acl_file: Path
    users_file: Path
    superusers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """A page or file of the listing."""

    external_id: str
    name: str  # as the wiki calls it
    version: str
    changed: int  # seconds since 1970
    size: int
    hash: str

    @property
    def is_file(self) -> bool:
        return self.external_id.startswith(FILES)


class DokuWikiConnector(BaseSource):
    """One wiki. Opens nothing until asked."""

    def __init__(
        self, wiki: RemoteWiki, surroundings: Surroundings, *, user: str, rights: Rights, files: bool
    ) -> None:
        self._wiki = wiki
        self._surroundings = surroundings
        self._user = user
        self._rights = rights
        self._files = files

    def check(self) -> list[CheckItem]:
        """Try each right: sign-in, list, read content, read permissions, read groups."""
        return try_out(
            sign_in=self._wiki.sign_in,
            documents=self.documents,
            read_people=lambda: read_people(self._rights.users_file),
            read_rules=lambda: self._read_rules(read_people(self._rights.users_file)),
        )

    def documents(
        self,
        *,
        cursor: JsonObject | None = None,  # noqa: ARG002 - see the module
        checkpoint: JsonObject | None = None,  # noqa: ARG002
    ) -> Iterator[Event]:
        """Every page and file, whatever the checkpoint."""
        rules = yield from self._begin()
        for number, item in enumerate(self._listed(), 1):
            yield item if isinstance(item, Failure) else self._upsert(item, self._acl(rules, item))
            if number % CHECKPOINT_EVERY == 0:
                yield Checkpoint({"listed": number})
        yield Complete()

    def permissions(self) -> Iterator[PermissionEvent]:
        """The ACL of every page and file."""
        rules = yield from self._begin()
        for item in self._listed():
            yield item if isinstance(item, Failure) else DocumentAcl(item.external_id, self._acl(rules, item))
        yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """Every account and group of the users file: all of them, or none and the reason."""
        try:
            people = read_people(self._rights.users_file)
            awaited = self._read_rules(people).awaited
        except MalformedError as error:
            yield Failure("", FailureCode.BAD_PERMISSIONS, _sentence(error), hide=True, is_prefix=True)
            return
        yield from principals_of(people)
        for login in awaited:
            yield GroupMembers(AWAITED + login, ())
        yield Complete()

    def close(self) -> None:
        """Close the connections."""
        self._wiki.close()

    def _begin(self) -> Generator[Failure, None, Rules]:
        """Sign in and read the rights; yields what they leave in doubt, gives back the rules."""
        self._wiki.sign_in()
        try:
            people = read_people(self._rights.users_file)
            rules = self._read_rules(people)
        except MalformedError as error:
            raise Reconfigure(_sentence(error)) from error
        for bad in rules.bad:
            detail = told(
                "Line {number} of the rules is not understood: it must be PAGE SUBJECT LEVEL. Mend it.",
                number=bad.number,
            )
            for failure in _about(bad.scope):
                yield Failure(
                    failure, FailureCode.BAD_PERMISSIONS, detail, hide=True, is_prefix=not _is_page(bad.scope)
                )
        if not self._wiki.reads_everything():
            detail = told("The wiki does not show this to '{user}': give it level 1 there.", user=self._user)
            for scope in rules.unreadable_to(people.get(self._user)):
                for name in _about(scope):
                    yield Failure(name, FailureCode.UNLISTED, detail, is_prefix=not _is_page(scope))
        return rules

    def _read_rules(self, people: Mapping[str, Person]) -> Rules:
        text = read_text(self._rights.acl_file, told("The file of rules"))
        return rules_of(text, people=people, superusers=self._rights.superusers)

    def _listed(self) -> Iterator[_Found | Failure]:
        """Pages and then files, each in the order of their names."""
        rows = [("", row) for row in self._wiki.pages()]
        if self._files:
            rows.extend((FILES, row) for row in self._wiki.files() if not row.get("isimg"))
        for kind, row in sorted(rows, key=lambda each: (each[0], str(each[1].get("id")))):
            if self._surroundings.stopped():
                raise Stopped
            yield _found(kind, row)

    def _acl(self, rules: Rules, found: _Found) -> Acl:
        return rules.of_namespace(namespace_of(found.name)) if found.is_file else rules.of_page(found.name)

    def _upsert(self, found: _Found, acl: Acl) -> Upsert:
        short = found.name.rpartition(":")[2]
        return Upsert(
            external_id=found.external_id,
            version=found.version,
            title=short if found.is_file else "",
            name=short,
            url=self._wiki.file_address(found.name) if found.is_file else self._wiki.page_address(found.name),
            media_type="" if found.is_file else "text/markdown",
            modified=_moment(found.changed),
            attributes={"namespace": namespace_of(found.name)},
            acl=acl,
            size=found.size,
            fetch=partial(self._fetch, found),
        )

    def _fetch(self, found: _Found) -> BytesContent:
        if found.size > self._surroundings.max_content_bytes:
            raise DocumentFailure(FailureCode.TOO_LARGE, told("{size} bytes", size=found.size))
        if found.is_file:
            return BytesContent(self._file_data(found))
        text = self._wiki.page_text(found.name)
        # For a page that is gone the wiki gives the template of new pages, so other text needs a second look.
        if _hash(text) != found.hash and not self._wiki.has_page(found.name):
            raise DocumentFailure(FailureCode.GONE)
        return BytesContent(as_markdown(text).encode())

    def _file_data(self, found: _Found) -> bytes:
        """A file's bytes. A page to sign in, which something before the wiki gives instead, is none."""
        data = self._wiki.file_data(found.name)
        listed = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if listed != found.hash and len(data) != self._wiki.file_size(found.name):
            raise DocumentFailure(FailureCode.UNREACHABLE, told("What the wiki answers is not the file."))
        return data


def _found(kind: str, row: Mapping[str, Value]) -> _Found | Failure:
    name = row.get("id")
    if not isinstance(name, str):
        return Failure("", FailureCode.BAD_RECORD, told("An entry of the listing has no id."), is_prefix=True)
    external_id = kind + name
    problem = id_problem(external_id)
    if problem or not is_page_id(name):
        detail = told(
            "The name {problem}. Rename it.", problem=problem or told("is none that the wiki can open")
        )
        return Failure(escaped_id(external_id), FailureCode.UNREADABLE, detail)
    changed, size, digest = row.get("rev", row.get("mtime")), row.get("size"), row.get("hash")
    if not isinstance(changed, int) or not isinstance(size, int) or not isinstance(digest, str):
        return Failure(external_id, FailureCode.BAD_RECORD, told("The listing lacks its time, size or hash."))
    return _Found(external_id, name, f"{changed:x}-{digest}", changed, size, digest)


def _hash(text: str) -> str:
    """As the listing gives it."""
    return hashlib.md5(
        text.strip(" \t\n\r\0\v").encode("utf-8", "surrogatepass"), usedforsecurity=False
    ).hexdigest()


def _moment(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _is_page(scope: str) -> bool:
    return bool(scope) and "*" not in scope and not scope.endswith(":")


def _about(scope: str) -> list[str]:
    """The ids, or beginnings of ids, that a scope is about: pages, and files in its namespace."""
    if _is_page(scope):
        return [scope]
    prefix = scope.partition("*")[0]
    return [prefix, FILES + prefix] if prefix else [""]


def _sentence(error: MalformedError) -> str:
    return told("{error}. Mend it and sync again.", error=error)
