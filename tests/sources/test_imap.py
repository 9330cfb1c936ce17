"""The story of mailboxes, from Dovecot through the engine to what each person finds."""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from imapclient import imap_utf7

from assistant.accounts.models import User
from assistant.common.network import parse_networks
from assistant.common.types import Json
from assistant.sync.models import Source
from assistant.sync.services import add_source
from tests.connectors.servers.dovecot import MASTER, MASTER_PASSWORD, Dovecot, dovecot
from tests.connectors.sources.imap_world import append, expunge, message
from tests.sources.story import Story, read_table

TABLE = Path(__file__).with_name("imap.md")
OWNERS = {
    "s-ann": "ann@example.com",
    "s-bob": "bob@example.com",
    "s-cho": "cho@example.com",
    "s-info": "",
}


class Mail:
    """The mailboxes on the server and the source in the database. A step changes one and syncs the other."""

    def __init__(self, server: Dovecot) -> None:
        self.server = server
        self.owners = dict(OWNERS)
        self.boxes: dict[str, imaplib.IMAP4] = {}
        for login in OWNERS:
            server.add(login)
            self.boxes[login] = server.mailbox(login)
        self.story = Story(source_id=0)
        self.uids: dict[str, int] = {}
        self.story.source_id = add_source(
            kind="imap",
            name="mail",
            config=self._config(),
            secrets={"password": MASTER_PASSWORD},
            actor="test",
        )

    def put(self, document: str, login: str, folder: str, text: str) -> None:
        """A message; the first word of its text is the one that nobody else has."""
        client, raw = self.boxes[login], imap_utf7.encode(folder).decode("ascii")
        client.create(f'"{raw}"')
        mail = message("Note", text, Bcc="hidden-recipient@example.com")
        uidvalidity, self.uids[document] = append(client, raw, mail)
        self.story.words[document] = text.split(maxsplit=1)[0]
        self.lies_in(document, login, folder, uidvalidity)

    def lies_in(self, document: str, login: str, folder: str, uidvalidity: int) -> None:
        self.story.ids[document] = f"{login}/{folder};{uidvalidity}/{self.uids[document]}"

    def uidvalidity(self, login: str, folder: str) -> int:
        raw = imap_utf7.encode(folder).decode("ascii")
        _, data = self.boxes[login].status(f'"{raw}"', "(UIDVALIDITY)")
        return int(data[0].rpartition(b" ")[2].rstrip(b")"))

    def configure(self) -> None:
        """Write the owners into the source's settings, as an administrator would."""
        Source.objects.filter(pk=self.story.source_id).update(config=self._config())

    def close(self) -> None:
        for client in self.boxes.values():
            client.shutdown()

    def _config(self) -> dict[str, Json]:
        return {
            "host": "localhost",
            "port": self.server.tls_port,
            "ca_file": str(self.server.certified.authority),
            "master_user": MASTER,
            "mailboxes": [f"{login} = {owner}" for login, owner in self.owners.items()],
        }


@pytest.fixture
def mail(people: dict[str, User], settings: LazySettings) -> Iterator[Mail]:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    found = Mail(dovecot())
    yield found
    found.close()


def test_the_story_of_mailboxes(mail: Mail) -> None:
    mail.story.play(read_table(TABLE), steps(mail))


def steps(mail: Mail) -> dict[str, Callable[[], None]]:
    """What happens in each situation of the table."""
    return {
        "first sync": lambda: first_sync(mail),
        "a message arrives": lambda: arrives(mail),
        "info gets an owner": lambda: owned_by(mail, "cho@example.com", "incremental"),
        "Cho's mailbox refuses the sign-in": lambda: refused(mail),
        "info changes hands, permissions only": lambda: owned_by(mail, "bob@example.com", "permissions"),
        "Ann moves the plan to a folder": lambda: moved(mail),
        "Ann renames the Korean folder": lambda: renamed(mail),
        "Ann throws the reply away": lambda: thrown_away(mail),
        "Bob's line is mistyped": lambda: mistyped(mail),
        "Bob's line is mended": lambda: mended(mail),
        "Bob's folder is made anew": lambda: made_anew(mail),
    }


def first_sync(mail: Mail) -> None:
    mail.put("plan in Ann's inbox", "s-ann", "INBOX", "quokka is the word of the plan.")
    mail.put("회의록 in Ann's Korean folder", "s-ann", "회의/2026", "두루미 사업의 회의록입니다.")
    mail.put("letter in Ann's trash", "s-ann", "Müll", "wombat was thrown away.")
    mail.put("offer in Bob's sent folder", "s-bob", "Sent", "numbat is what Bob offers.")
    mail.put("Cho's copy of the offer", "s-cho", "INBOX", "bilby is what Cho was offered.")
    mail.put("letter to info", "s-info", "INBOX", "potoroo is what customers ask for.")
    for n in range(6):
        mail.put(f"filler {n}", "s-info", "INBOX", f"filler{n} so that few deletions are plausible.")
    run = mail.story.sync("full")
    assert (run.state, run.failed, run.added) == ("succeeded", 0, 11)


def arrives(mail: Mail) -> None:
    mail.put("reply in Ann's inbox", "s-ann", "INBOX", "dunnart is the answer.")
    run = mail.story.sync()
    assert (run.added, run.updated, run.unchanged) == (1, 0, 11)


def owned_by(mail: Mail, owner: str, kind: str) -> None:
    mail.owners["s-info"] = owner
    mail.configure()
    mail.story.sync(kind)


def refused(mail: Mail) -> None:
    mail.server.lock_out(["s-cho"])
    run = mail.story.sync()
    assert (run.state, run.failed, run.deleted) == ("succeeded_with_errors", 1, 0)
    mail.server.add("s-cho")


def moved(mail: Mail) -> None:
    client, plan = mail.boxes["s-ann"], "plan in Ann's folder"
    client.create("Plans")
    client.select("INBOX")
    client.uid("COPY", str(mail.uids["plan in Ann's inbox"]), "Plans")
    client.unselect()
    expunge(client, "INBOX", mail.uids["plan in Ann's inbox"])
    mail.uids[plan] = 1
    mail.story.words[plan] = mail.story.words["plan in Ann's inbox"]
    mail.lies_in(plan, "s-ann", "Plans", mail.uidvalidity("s-ann", "Plans"))
    run = mail.story.sync()
    assert (run.added, run.deleted) == (1, 1)


def renamed(mail: Mail) -> None:
    before, after = (imap_utf7.encode(name).decode("ascii") for name in ("회의", "지난 회의"))
    mail.boxes["s-ann"].rename(f'"{before}"', f'"{after}"')
    old, new = "회의록 in Ann's Korean folder", "회의록 in the renamed folder"
    mail.uids[new], mail.story.words[new] = mail.uids[old], mail.story.words[old]
    folder = "지난 회의/2026"
    mail.lies_in(new, "s-ann", folder, mail.uidvalidity("s-ann", folder))
    run = mail.story.sync()
    assert (run.added, run.deleted) == (1, 1)


def thrown_away(mail: Mail) -> None:
    expunge(mail.boxes["s-ann"], "INBOX", mail.uids["reply in Ann's inbox"])
    assert mail.story.sync().deleted == 1


def mistyped(mail: Mail) -> None:
    mail.owners["s-bob"] = "bob at example.com"
    mail.configure()
    run = mail.story.sync()
    assert (run.state, run.deleted) == ("succeeded_with_errors", 0)


def mended(mail: Mail) -> None:
    mail.owners["s-bob"] = OWNERS["s-bob"]
    mail.configure()
    assert mail.story.sync().state == "succeeded"


def made_anew(mail: Mail) -> None:
    mail.boxes["s-bob"].delete("Sent")
    mail.put("first letter in the new folder", "s-bob", "Sent", "quoll is in the new folder.")
    run = mail.story.sync()
    assert (run.added, run.deleted) == (1, 1)
