"""Mailboxes on a Dovecot that the tests can change: one for each document, `more-…` share one."""

from __future__ import annotations

import imaplib
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from assistant.common.network import Network, parse_networks
from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.servers.dovecot import MASTER, MASTER_PASSWORD, Dovecot, dovecot

_WORLDS = itertools.count()
LOOPBACK = Surroundings(network=Network(parse_networks("127.0.0.0/8")))


def message(subject: str, text: str, **heads: str) -> bytes:
    """A message as it would be sent."""
    mail = EmailMessage()
    mail["Subject"] = subject
    mail["From"] = "dan@example.com"
    mail["To"] = "ann@example.com"
    for name, value in heads.items():
        mail[name] = value
    mail.set_content(text)
    return mail.as_bytes()


def append(client: imaplib.IMAP4, folder: str, mail: bytes, flags: str = "") -> tuple[int, int]:
    """Put a message into a folder; gives its UIDVALIDITY and UID."""
    answer, data = client.append(f'"{folder}"', flags, "", mail)
    assert answer == "OK", data
    numbers = re.search(rb"APPENDUID (\d+) (\d+)", data[0])
    assert numbers is not None
    return int(numbers[1]), int(numbers[2])


def expunge(client: imaplib.IMAP4, folder: str, uid: int) -> None:
    """Take a message out of a folder."""
    client.select(f'"{folder}"')
    client.uid("STORE", str(uid), "+FLAGS", "(\\Deleted)")
    client.expunge()
    client.unselect()


@dataclass
class _Mail:
    text: str
    uidvalidity: int
    uid: int


class ImapWorld:
    """Each document is the one message of a mailbox, whose owner is the one who may see it."""

    kind: ConnectorKind = connector_kind("imap")

    def __init__(self, folder: Path) -> None:
        self.server: Dovecot = dovecot()
        self._tag = f"w{next(_WORLDS)}"
        self._owners: dict[str, str] = {}
        self._clients: dict[str, imaplib.IMAP4] = {}
        self._mails: dict[str, _Mail] = {}

    def connector(self, **more: Json) -> Connector:
        """A connector as the engine would build it; `more` adds settings."""
        config: dict[str, Json] = {
            "host": "localhost",
            "port": self.server.tls_port,
            "ca_file": str(self.server.certified.authority),
            "mailboxes": [f"{login} = {owner}" for login, owner in self._owners.items()],
            "master_user": MASTER,
            **more,
        }
        return self.kind.build(config, {"password": MASTER_PASSWORD}, LOOPBACK)

    def put(self, name: str, text: str) -> str:
        login, known = self._login(name), self._mails.get(name)
        if login not in self._clients:
            self.server.add(login)
            self._owners[login] = ""
            self._clients[login] = self.server.mailbox(login)
        if known is None or known.text != text:
            if known is not None:
                self.delete(name)
            place = append(self._clients[login], "INBOX", message(name, text))
            known = self._mails[name] = _Mail(text, *place)
        return f"{login}/INBOX;{known.uidvalidity}/{known.uid}"

    def delete(self, name: str) -> None:
        expunge(self._clients[self._login(name)], "INBOX", self._mails.pop(name).uid)

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None:
        """The first who is allowed owns the mailbox: it has one owner and no denies."""
        self._owners[self._login(name)] = allow[0]

    def break_acl(self, name: str) -> None:
        self._owners[self._login(name)] = "whoever likes"

    def set_group(self, name: str, members: Sequence[str]) -> None:
        """Mailboxes have no groups."""

    def break_groups(self) -> None:
        """Mailboxes have no groups."""

    def vanish(self) -> None:
        self.server.lock_out(list(self._owners))

    def _login(self, name: str) -> str:
        return f"{self._tag}-{'more' if name.startswith('more-') else name.removesuffix('.txt')}"
