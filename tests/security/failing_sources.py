"""Every kind of source, asked of servers that fail and repeat what they were sent. Run as a program:

    python -m tests.security.failing_sources

tries every kind in each of its ways, with and without TLS, against every failure, and ends with 1 where a
secret stood in what a connector said or any library logged.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import logging
import re
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistant.common.network import Network, parse_networks
from assistant.common.pace import Stopped
from assistant.common.types import Json, JsonObject
from connectors.registry import connector_kind
from connectors.sdk.config import validate
from connectors.sdk.contract import FieldType
from connectors.sdk.surroundings import Surroundings
from tests.security.secret_canaries import all_lines, canary, found, repeating

MODES = ("refused", "200", "302", "401", "500")
AT = "localhost"
KINDS_WITHOUT_SECRETS = {"filesystem", "jsonl", "push"}
# What no server hears that only refuses: their protocols have it speak first or ask for the password
# (PostgreSQL, MariaDB, IMAP, MediaWiki), send a proof instead of it (S3, SFTP, SMB), or need TLS (git).
HEARD_BY_NOBODY = {
    "database password",
    "git token",
    "imap password",
    "mediawiki password",
    "s3 secret_access_key",
    "sftp passphrase",
    "sftp password",
    "sftp private_key",
    "smb password",
}
# Errors of a program that is wrong: what such a connector would have said is not known.
_MISTAKES = (TypeError, AttributeError, NameError)


def settings_of(port: int, folder: Path) -> dict[str, list[JsonObject]]:
    """By kind, settings with which its connector speaks to the port, in each of its ways."""
    plain, tls = f"http://{AT}:{port}", f"https://{AT}:{port}"
    acl, users = folder / "acl.auth.php", folder / "users.auth.php"
    acl.write_text("* @ALL 1\n")
    users.write_text("ann:x:Ann:ann@example.com:user\n")
    everyone: dict[str, Json] = {"audience": ["everyone"]}
    wiki: dict[str, Json] = {"user": "mundap", "acl_file": str(acl), "users_file": str(users)}
    table: dict[str, Json] = {
        "host": AT, "port": port, "database": "d", "user": "u", "query": "SELECT 1 AS id", **everyone
    }  # fmt: skip
    box: dict[str, Json] = {"host": AT, "port": port, "mailboxes": ["ann = ann@example.com"]}
    tree: dict[str, Json] = {"bind_dn": "cn=a,dc=b", "bases": ["dc=b"]}
    s3: dict[str, Json] = {"bucket": "b", "access_key_id": "AKIDEXAMPLE", "audience": "everyone"}
    site: dict[str, Json] = {"sign_in": "form", "username": "u", "login_url": f"{plain}/login", **everyone}
    return {
        "database": [
            {**table, "engine": engine, "tls": "off"} for engine in ("postgresql", "mariadb")
        ],
        "dokuwiki": [{"url": plain, **wiki}, {"url": tls, **wiki}],
        "feed": [{"addresses": [f"{each}/feed"], "username": "u", **everyone} for each in (plain, tls)],
        "git": [{"repositories": [f"{each}/a.git"], "user": "u", **everyone} for each in (plain, tls)],
        "imap": [{**box, "security": security} for security in ("plain", "tls", "starttls")],
        "ldap": [{"url": f"ldap://{AT}:{port}", "encryption": "none", **tree},
                 {"url": f"ldaps://{AT}:{port}", **tree}],
        "mediawiki": [{"url": f"{each}/api.php", "user": "u@s", **everyone} for each in (plain, tls)],
        "s3": [{"endpoint": each, **s3} for each in (plain, tls)],
        "sftp": [{"host": AT, "port": port, "user": "u", "folder": "/d", **everyone}],
        "smb": [{"server": AT, "port": port, "share": "docs", "user": "u", "everyone": "everyone"}],
        "web": [{"start": [f"{plain}/"], **site},
                *({"start": [f"{each}/"], "sign_in": "basic", "username": "u", **everyone}
                  for each in (plain, tls))],
        "webdav": [{"url": f"{each}/dav/", "user": "u", **everyone} for each in (plain, tls)],
    }  # fmt: skip


def secrets_of(kind: str) -> dict[str, str]:
    """A canary for each secret that the kind takes."""
    return {
        field.name: canary(f"{kind} {field.name}")
        for field in connector_kind(kind).fields
        if field.type is FieldType.SECRET
    }


def decoded(heard: Sequence[bytes]) -> bytes:
    """What stands in base64 in what was sent."""
    codes = re.findall(rb"[A-Za-z0-9+/]{16,}=*", b"\n".join(heard))
    return b"\n".join(base64.b64decode(code[: len(code) // 4 * 4]) for code in codes)


def one_way(secrets: Mapping[str, str]) -> list[dict[str, str]]:
    """A connector takes one way to prove itself: key and passphrase go together."""
    if "token" in secrets:
        return [{"token": secrets["token"]}]
    if "private_key" in secrets:
        return [
            {"password": secrets["password"]},
            {"private_key": secrets["private_key"], "passphrase": secrets["passphrase"]},
        ]
    return [dict(secrets)]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one failure: what connectors said, what was logged, and what servers heard."""

    said: str
    logged: str
    heard: bytes
    canaries: frozenset[str]


def fail(mode: str, folder: Path, *, tls: bool) -> Told:
    """Ask every kind, in each of its ways; with `tls` also where the server speaks none."""
    said: list[str] = []
    canaries: set[str] = set()
    with repeating(mode) as server, all_lines() as lines:
        for kind, ways in settings_of(server.port, folder).items():
            for config, proof in itertools.product(ways, one_way(secrets_of(kind))):
                if tls or not _wants_tls(config):
                    canaries |= set(proof.values())
                    said += _asked(kind, config, proof)
    heard = b"".join(server.heard) + decoded(server.heard)
    return Told("\n".join(said), lines.bare.getvalue(), heard, frozenset(canaries))


def _asked(kind: str, config: JsonObject, proof: Mapping[str, str]) -> Iterator[str]:
    """All that the connector says while it is tried and listed."""
    declared = connector_kind(kind)
    checked, opened = validate(declared, config=config, secrets=proof)
    network = Network(parse_networks("127.0.0.0/8,::1"))
    for act in ("check", "principals", "documents"):
        with _said_by() as told:
            connector = declared.build(checked, opened, Surroundings(network=network))
            try:
                told += [repr(item) for item in getattr(connector, act)()]
            finally:
                connector.close()
        yield from told


@contextmanager
def _said_by() -> Iterator[list[str]]:
    """Errors are said, too: their words, what they hold, and those that they came of.

    Raises:
        TypeError, AttributeError, NameError: a mistake in the program, which kept the connector from trying.
    """
    told: list[str] = []
    try:
        with suppress(Stopped):
            yield told
    except _MISTAKES:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a connector raises is looked at
        told.append("".join(traceback.format_exception(error)))


def _at_once(_seconds: float, *, stopped: object) -> None:
    """Nobody waits for a busy server here."""


def _wants_tls(config: JsonObject) -> bool:
    return "https://" in repr(config) or "ldaps://" in repr(config) or config.get("security") == "tls"


def main() -> int:
    """0 if nothing repeated a secret."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    pytest.MonkeyPatch().setattr("assistant.common.guarded_http.wait", _at_once)
    logging.getLogger().handlers.clear()  # what is logged is looked at, and would fill the screen
    hits = 0
    with tempfile.TemporaryDirectory() as folder:
        for mode in MODES:
            told = fail(mode, Path(folder), tls=True)
            in_said, in_logs = found(told.said, told.canaries), found(told.logged, told.canaries)
            hits += len(in_said) + len(in_logs)
            sent = len(found(told.heard, told.canaries))
            print(f"{mode}: {len(told.canaries)} secrets, {sent} sent; said: {in_said}, logged: {in_logs}")
    return 1 if hits else 0


if __name__ == "__main__":
    import django

    django.setup()
    sys.exit(main())
