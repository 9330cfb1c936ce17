"""Everything in Mundap that connects to an address that somebody typed, pointed at a server inside."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from assistant.common.errors import MundapError
from assistant.common.network import Network
from assistant.common.types import Json
from assistant.providers.contract import ChatParts, ChatServer, Message, Role, Served
from assistant.providers.registry import COMPLETIONS, completions
from assistant.providers.served_calls import ServedCalls
from connectors.registry import connector_kind
from connectors.sdk.surroundings import Surroundings

Asking = Callable[[str, Network], None]  # a host, and where one may connect to

_HOST_KEY = b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(range(32))).decode()
# Kind: the settings that name a server, with {} for the host; the port is the usual one of its protocol.
_SOURCES: dict[str, tuple[dict[str, Json], ...]] = {
    "database": tuple(
        {"engine": engine, "host": "{}", "database": "a", "user": "a", "query": "SELECT 1"}
        for engine in ("postgresql", "mariadb")
    ),
    "dokuwiki": ({"url": "http://{}/", "user": "a", "acl_file": "/a", "users_file": "/b"},),
    "feed": ({"addresses": ["http://{}/feed.xml"], "audience": ["everyone"]},),
    "git": (
        {"repositories": ["http://{}/a.git"], "audience": ["everyone"]},
        {
            "repositories": ["ssh://git@{}/a.git"],
            "audience": ["everyone"],
            "host_keys": f"{{}} ssh-ed25519 {_HOST_KEY}",
        },
    ),
    "imap": ({"host": "{}", "mailboxes": ["a@example.com"]},),
    "ldap": ({"url": "ldap://{}", "bases": ["dc=example"]}, {"url": "ldaps://{}", "bases": ["dc=example"]}),
    "mediawiki": ({"url": "http://{}/api.php", "user": "a"},),
    "s3": ({"bucket": "bucket", "endpoint": "http://{}", "access_key_id": "a"},),
    "sftp": ({"host": "{}", "user": "a", "folder": "/a"},),
    "smb": ({"server": "{}", "share": "a", "user": "a"},),
    "web": (
        {"start": ["http://{}/"], "audience": ["everyone"]},
        {"sitemaps": ["http://{}/sitemap.xml"], "audience": ["everyone"]},
    ),
    "webdav": ({"url": "http://{}/dav/"},),
}  # fmt: skip
NO_ADDRESS = frozenset({"filesystem", "jsonl", "push"})  # kinds that connect to nothing
SOURCES = frozenset(_SOURCES)


def settings_naming(kind: str, host: str) -> Iterator[dict[str, Json]]:
    """Settings of a source of this kind whose server is `host`, in each way that there is."""
    for settings in _SOURCES[kind]:
        yield {name: _put(value, host) for name, value in settings.items()}


def askers() -> Iterator[tuple[str, Asking]]:
    """The name of each, and how it is made to ask a host."""
    for kind, settings in _SOURCES.items():
        for each in settings:
            yield f"source {kind}", partial(_source, kind, each)
    for kind in sorted(set(COMPLETIONS) - {"transformers"}):  # that one is a folder
        yield f"language model {kind}", partial(_language_model, kind)
    for path in ("/embeddings", "/rerank"):
        yield f"model of the search {path}", partial(_search_model, path)


def _source(kind: str, settings: dict[str, Json], host: str, network: Network) -> None:
    known = connector_kind(kind)
    config = {name: _put(value, host) for name, value in settings.items()}
    secrets = {each.name: "sesame" for each in known.fields if each.type.value == "secret" and each.required}
    with TemporaryDirectory() as scratch:
        made = known.build(config, secrets, Surroundings(network=network, scratch=Path(scratch)))
        for what in (made.check, made.documents, made.permissions, made.principals):
            with suppress(MundapError):
                list(what())


def _put(value: Json, host: str) -> Json:
    if isinstance(value, list):
        return [_put(each, host) for each in value]
    return value.replace("{}", host) if isinstance(value, str) else value


def _server(host: str) -> ChatServer:
    return ChatServer(f"http://{host}/v1", "model", "sesame", silence_s=2.0, whole_s=3.0)


def _language_model(kind: str, host: str, network: Network) -> None:
    with suppress(MundapError):
        list(completions(kind, ChatParts(None, _server(host), network)).complete([Message(Role.USER, "x")]))


def _search_model(path: str, host: str, network: Network) -> None:
    with suppress(MundapError):
        ServedCalls(Served(_server(host), network)).asked(path, {"input": ["x"]}, texts=["x"], read=str)
