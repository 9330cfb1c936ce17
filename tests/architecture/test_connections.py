"""Who may open a connection: one guarded client and what goes through its judgement, and nobody else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from connectors.registry import KINDS
from tests.common.ssrf_askers import NO_ADDRESS, SOURCES

REPOSITORY = Path(__file__).resolve().parents[2]
# Libraries by which something could leave this machine, whatever else they are for.
_CONNECTING = """
socket socketserver subprocess urllib.request urllib3 http.client xmlrpc ftplib smtplib poplib imaplib
telnetlib requests httpx httpx2 httpcore httpcore2 aiohttp websockets pycurl grpc dns redis
paramiko asyncssh ldap3 smbprotocol smbclient pymysql psycopg boto3 botocore
"""
CONNECTING = _CONNECTING.split()
# Who uses one, and why nothing leaves by it past `assistant.common.network`.
ALLOWED = {
    "assistant/common/network.py": "judges addresses and opens sockets to those alone",
    "assistant/common/local_only.py": "reads addresses in digits",
    "assistant/common/local_guard.py": "watches those who connect",
    "assistant/common/judged_connections.py": "connects where `Network` said",
    "assistant/common/guarded_http.py": "over judged connections",
    "assistant/common/web_target.py": "reads addresses",
    "assistant/common/origin_cookies.py": "keeps cookies of answers",
    "assistant/common/judged_ldap.py": "gives the library judged addresses",
    "assistant/identity/ldap/directory.py": "over the connections of `judged_ldap`",
    "assistant/identity/ldap/kind.py": "reads names and errors",
    "assistant/common/aws_client.py": "signs and reads; the guarded client sends",
    "assistant/providers/bedrock.py": "the guarded client sends",
    "assistant/providers/bedrock_errors.py": "reads errors",
    "assistant/config/startup.py": "asks whether its own port is free",
    "assistant/config/health.py": "asks its own server how it is",
    "assistant/config/supervisor.py": "starts programs of this installation",
    "assistant/config/install.py": "starts programs of this installation",
    "assistant/slackbot/jobs.py": "the name of this machine",
    "assistant/slackbot/transport.py": "reads what the SDK would send; the guarded client sends",
    "assistant/ingest/sandbox.py": "starts the parser, which has no network",
    "assistant/ingest/building.py": "the name of this machine",
    "assistant/sync/lease.py": "the name of this machine",
    "connectors/push_client/mundap_push.py": "a program of the customer's own machines; never runs here",
    "connectors/sources/database/postgresql.py": "gives the library judged addresses (hostaddr)",
    "connectors/sources/database/mariadb.py": "gives the library a socket of `Network.connect`",
    "connectors/sources/dokuwiki/remote.py": "writes and reads messages",
    "connectors/sources/git/program.py": "git, whose transports ask `Network` first",
    "connectors/sources/git/blobs.py": "reads a repository on this disk",
    "connectors/sources/imap/connection.py": "over a socket of `Network.connect`",
    "connectors/sources/ldap/names.py": "reads names",
    "connectors/sources/ldap/session.py": "gives the library judged addresses",
    "connectors/sources/s3/bucket.py": "signs and reads; the guarded client sends",
    "connectors/sources/s3/refusals.py": "reads errors",
    "connectors/sources/sftp/session.py": "over a socket of `Network.connect`",
    "connectors/sources/smb/question.py": "writes and reads messages",
    "connectors/sources/smb/share.py": "gives the library a judged address",
}


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Attribute) and node.attr in ("open_connection", "create_connection"):
            yield "socket"


def _connects(file: Path) -> bool:
    return any(
        name == library or name.startswith(f"{library}.")
        for name in _imported(file)
        for library in CONNECTING
    )


def test_only_named_modules_use_a_library_that_connects() -> None:
    files = [*(REPOSITORY / "assistant").rglob("*.py"), *(REPOSITORY / "connectors").rglob("*.py")]
    found = {str(file.relative_to(REPOSITORY)) for file in files if _connects(file)}
    assert found - set(ALLOWED) == set(), "go through assistant.common, or say here why nothing leaves by it"
    assert set(ALLOWED) - found == set(), "it does not any more: take it out"


def test_every_kind_of_source_that_connects_stands_in_the_matrix_of_forged_addresses() -> None:
    assert {*SOURCES, *NO_ADDRESS} == set(KINDS)
