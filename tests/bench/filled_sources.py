"""Sources of every kind that tests can start, each filled with the same documents on its real server."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from shutil import copytree

from assistant.common.types import Json
from tests.connectors.servers.apache_dav import apache_dav
from tests.connectors.servers.apache_site import apache
from tests.connectors.servers.dav_server import PASSWORD as DAV_PASSWORD
from tests.connectors.servers.dav_server import USER as DAV_USER
from tests.connectors.servers.dokuwiki import PASSWORD as DOKUWIKI_PASSWORD
from tests.connectors.servers.dokuwiki import dokuwiki_server
from tests.connectors.servers.dovecot import MASTER, MASTER_PASSWORD, dovecot
from tests.connectors.servers.git_server import TOKEN, USER, git_server
from tests.connectors.servers.mediawiki import PASSWORD as MEDIAWIKI_PASSWORD
from tests.connectors.servers.mediawiki import mediawiki_server
from tests.connectors.servers.s3 import S3Server
from tests.connectors.servers.sql_servers import PASSWORD as SQL_PASSWORD
from tests.connectors.servers.sql_servers import SqlServer, mariadb, postgresql
from tests.connectors.servers.sshd import ssh_server
from tests.connectors.sources.database_world import config_of
from tests.connectors.sources.dokuwiki_world import settings_of as dokuwiki_settings
from tests.connectors.sources.feed_world import atom, entry
from tests.connectors.sources.imap_world import append, message
from tests.connectors.sources.mediawiki_world import settings_of as mediawiki_settings
from tests.connectors.sources.smb_world import SECRETS, SmbWorld

OPEN: list[Json] = ["everyone"]
_YESTERDAY = time.time() - 86_400


@dataclass(frozen=True, slots=True)
class FilledSource:
    """What `source add` is told of a source that holds the documents."""

    kind: str
    config: Mapping[str, Json]
    secrets: Mapping[str, str] = field(default_factory=dict)
    besides: int = 0  # documents that the source has of its own, such as a front page


@dataclass(frozen=True, slots=True)
class Filling:
    """The documents: files of many formats below `folder`, and the same number of plain `texts` by name."""

    folder: Path
    texts: Mapping[str, str]
    scratch: Path


Filler = Callable[[Filling], AbstractContextManager[FilledSource]]


@contextmanager
def _filesystem(filling: Filling) -> Iterator[FilledSource]:
    yield FilledSource("filesystem", {"root": str(filling.folder), "audience": "everyone"})


@contextmanager
def _s3(filling: Filling) -> Iterator[FilledSource]:
    server = S3Server()
    try:
        bucket = server.new_bucket()

        def put(path: Path) -> None:
            key = str(path.relative_to(filling.folder))
            server.client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(put, (path for path in filling.folder.rglob("*") if path.is_file())))
        config: dict[str, Json] = {"bucket": bucket, "endpoint": server.endpoint}
        yield FilledSource(
            "s3", {**config, "access_key_id": "k", "audience": "everyone"}, {"secret_access_key": "s"}
        )
    finally:
        server.stop()


def _access(folder: Path) -> None:
    """An access file that opens everything, and no groups."""
    entries = [{"Name": "ann@example.com", "Type": "USER", "Access": "ALLOW"}]
    (folder / "access.json").write_text(json.dumps([{"keyPrefix": "", "aclEntries": entries}]))
    (folder / "groups.json").write_text("[]")


@contextmanager
def _webdav(filling: Filling) -> Iterator[FilledSource]:
    with apache_dav() as server:
        copytree(filling.folder, server.root / "docs")
        _access(server.root / "docs")
        config: dict[str, Json] = {"url": f"{server.url}/docs/", "user": DAV_USER}
        files: dict[str, Json] = {"access_file": "access.json", "groups_file": "groups.json"}
        yield FilledSource("webdav", {**config, **files}, {"password": DAV_PASSWORD})


@contextmanager
def _sftp(filling: Filling) -> Iterator[FilledSource]:
    with ssh_server() as server:
        copytree(filling.folder, server.root / "docs")
        _access(server.root / "docs")
        config: dict[str, Json] = {
            "host": "127.0.0.1",
            "port": server.port,
            "user": server.user,
            "folder": str(server.root / "docs"),
            "host_keys": [server.fingerprint],
        }
        files: dict[str, Json] = {"access_file": "access.json", "groups_file": "groups.json"}
        yield FilledSource("sftp", {**config, **files}, {"private_key": server.private_key})


@contextmanager
def _smb(filling: Filling) -> Iterator[FilledSource]:
    world = SmbWorld(filling.scratch)
    for name, text in filling.texts.items():
        world.put(f"{name}.txt", text)
    yield FilledSource("smb", world.config, SECRETS)


@contextmanager
def _git(filling: Filling) -> Iterator[FilledSource]:
    server = git_server()
    repository = server.repository("team/filled")
    for path in sorted(path for path in filling.folder.rglob("*") if path.is_file()):
        repository.put(str(path.relative_to(filling.folder)), path.read_bytes())
    repository.commit()
    config: dict[str, Json] = {
        "repositories": [server.address("team/filled")],
        "user": USER,
        "ca_file": str(server.certified.authority),
        "audience": OPEN,
    }
    yield FilledSource("git", config, {"token": TOKEN})


@contextmanager
def _imap(filling: Filling) -> Iterator[FilledSource]:
    server = dovecot()
    server.add("filled")
    client = server.mailbox("filled")
    for name, text in filling.texts.items():
        append(client, "INBOX", message(name, text))
    config: dict[str, Json] = {
        "host": "localhost",
        "port": server.tls_port,
        "ca_file": str(server.certified.authority),
        "mailboxes": ["filled = user:ann@example.com"],
        "master_user": MASTER,
    }
    yield FilledSource("imap", config, {"password": MASTER_PASSWORD})


def _database(server_of: Callable[[], SqlServer]) -> Filler:
    @contextmanager
    def filled(filling: Filling) -> Iterator[FilledSource]:
        server = server_of()
        session = server.session(server.database)
        session.execute("CREATE TABLE filled (name varchar(300), body text, changed timestamp)")
        for name, text in filling.texts.items():
            values = (name, text, "2026-01-01 00:00:00")
            session.execute("INSERT INTO filled (name, body, changed) VALUES (%s, %s, %s)", values)
        query = (
            "SELECT name AS id, name AS title, body AS text, changed AS changed_at, "
            "'everyone' AS allowed FROM filled"
        )
        yield FilledSource("database", config_of(server, query=query), {"password": SQL_PASSWORD})

    return filled


@contextmanager
def _dokuwiki(filling: Filling) -> Iterator[FilledSource]:
    (filling.scratch / "wiki").mkdir()
    with dokuwiki_server(filling.scratch / "wiki") as wiki:
        wiki.reset()
        for name, text in filling.texts.items():
            wiki.put_page(name, text)
        wiki.set_rules("* @ALL 1")
        yield FilledSource("dokuwiki", dokuwiki_settings(wiki), {"password": DOKUWIKI_PASSWORD})


@contextmanager
def _mediawiki(filling: Filling) -> Iterator[FilledSource]:
    (filling.scratch / "wiki").mkdir()
    with mediawiki_server(filling.scratch / "wiki") as wiki:
        wiki.reset()
        for name, text in filling.texts.items():
            wiki.later("put", title=name.title(), text=text)
        wiki.flush()
        config = mediawiki_settings(wiki, namespaces=["0 = everyone"])
        yield FilledSource("mediawiki", config, {"password": MEDIAWIKI_PASSWORD}, besides=1)


@contextmanager
def _web(filling: Filling) -> Iterator[FilledSource]:
    server = apache()
    root = server.root / "filled"
    root.mkdir()
    root.chmod(0o755)
    for name, text in filling.texts.items():
        page = root / f"{name}.html"
        page.write_text(
            f"<!doctype html><meta charset=utf-8><title>{name}</title><p>{escape(text)}", encoding="utf-8"
        )
        page.chmod(0o644)
    links = "".join(f"<a href='{name}.html'>{name}</a> " for name in filling.texts)
    (root / "index.html").write_text(f"<!doctype html><title>All</title>{links}", encoding="utf-8")
    (root / "index.html").chmod(0o644)
    for page in root.iterdir():
        os.utime(page, (_YESTERDAY, _YESTERDAY))  # younger than a minute, it is rightly read again
    config: dict[str, Json] = {"start": [f"{server.url}/filled/"], "audience": OPEN, "delay_ms": 0}
    yield FilledSource("web", config, besides=1)


@contextmanager
def _feed(filling: Filling) -> Iterator[FilledSource]:
    server = apache()
    file = server.root / "filled.xml"
    file.write_text(atom(*(entry(name, text) for name, text in filling.texts.items())), encoding="utf-8")
    file.chmod(0o644)
    yield FilledSource("feed", {"addresses": [f"{server.url}/filled.xml"], "audience": OPEN})


FILLERS: dict[str, Filler] = {
    "filesystem": _filesystem,
    "s3": _s3,
    "webdav": _webdav,
    "sftp": _sftp,
    "smb": _smb,
    "git": _git,
    "imap": _imap,
    "postgresql": _database(postgresql),
    "mariadb": _database(mariadb),
    "dokuwiki": _dokuwiki,
    "mediawiki": _mediawiki,
    "web": _web,
    "feed": _feed,
}
