"""Mailboxes against a real Dovecot: the suite, and what is peculiar to IMAP."""

from __future__ import annotations

import imaplib
import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

import pytest
from imapclient import imap_utf7

from assistant.common.acl import NOBODY, group, user
from assistant.common.errors import DocumentFailure, FailureCode, UsageError
from assistant.common.network import Network
from assistant.common.pace import Stopped
from assistant.common.told import Told, said
from assistant.common.types import Json
from assistant.ingest.parsers.mail import parse
from connectors.sdk.contract import BytesContent, Checkpoint, Complete, Connector, Event, Failure, Tombstone
from connectors.sdk.errors import Reconfigure, Retry
from connectors.sdk.surroundings import Surroundings
from connectors.sources.imap import session
from connectors.sources.imap.mailboxes import parse_mailboxes
from connectors.sources.imap.message_ids import Place, folder_prefix, message_id, place_of
from tests.connectors.conformance import (
    ANA,
    BOB,
    ConnectorConformance,
    World,
    check_listing,
    listed,
    sees,
    upserts,
)
from tests.connectors.servers.cutting_proxy import CuttingProxy
from tests.connectors.servers.dovecot import MASTER, MASTER_PASSWORD, PASSWORD, Dovecot, dovecot
from tests.connectors.servers.scripted import ScriptedServer
from tests.connectors.sources.imap_world import LOOPBACK, ImapWorld, append, expunge, message

_LOGINS = itertools.count()


def body_of(content: object) -> str:
    assert isinstance(content, BytesContent)
    payload = message_from_bytes(content.data).get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


class TestImap(ConnectorConformance):
    make_world = ImapWorld

    def test_fetch_gives_what_was_put(self, world: World) -> None:
        """The content is the whole message, head included."""
        name = world.put("c.txt", "세 번째 내용")
        content = upserts(listed(world.connector()))[name].fetch()
        assert body_of(content).strip() == "세 번째 내용"

    def test_only_the_allowed_see_and_a_deny_beats_their_group(self, world: World) -> None:
        """A mailbox has one owner: whoever else was named with them sees nothing."""
        name = world.put("b.txt", "second")
        events = listed(world.connector())
        assert sees(events, name, user(ANA))
        assert not sees(events, name, user("carol@example.com"), group("staff"))
        assert not sees(events, name, user(BOB), group("staff"))

    def test_changed_content_changes_the_version_of_that_document_only(self, world: World) -> None:
        """A message never changes: what replaces it is another document."""
        before = upserts(listed(world.connector()))
        first, replaced = world.put("a.txt", "first"), world.put("a.txt", "FIRST")
        after = upserts(check_listing(world.connector()))
        assert set(before) - set(after) == {first}
        assert set(after) - set(before) == {replaced}
        assert all(before[key].version == after[key].version for key in set(before) & set(after))

    def test_groups_come_with_their_members(self, world: World) -> None:
        """There are none: an owner is a person, or a group that a directory gives."""
        assert list(world.connector().principals()) == [Complete()]

    def test_broken_groups_are_never_complete(self, world: World) -> None:
        """There are no groups that could be broken."""
        assert list(world.connector().principals()) == [Complete()]


SUITES = (TestImap,)


@pytest.fixture
def server() -> Dovecot:
    return dovecot()


@pytest.fixture
def login(server: Dovecot) -> str:
    """A mailbox of its own for each test."""
    name = f"p{next(_LOGINS)}"
    server.add(name)
    return name


@pytest.fixture
def box(server: Dovecot, login: str) -> Iterator[imaplib.IMAP4]:
    """The owner's own connection to it."""
    client = server.mailbox(login)
    yield client
    client.shutdown()


def source(
    server: Dovecot,
    mailboxes: Sequence[str],
    *,
    password: str = MASTER_PASSWORD,
    surroundings: Surroundings = LOOPBACK,
    **more: Json,
) -> Connector:
    config: dict[str, Json] = {
        "host": "127.0.0.1",
        "port": server.plain_port,
        "security": "plain",
        "master_user": MASTER,
        "mailboxes": list(mailboxes),
        **more,
    }
    config = {name: value for name, value in config.items() if value is not None}
    return ImapWorld.kind.build(config, {"password": password}, surroundings)


def create(client: imaplib.IMAP4, folder: str) -> str:
    """Make a folder; gives its name as the server spells it."""
    raw = str(imap_utf7.encode(folder).decode("ascii"))
    answer, data = client.create(f'"{raw}"')
    assert answer == "OK", data
    return raw


def subjects(events: Sequence[Event]) -> list[str]:
    """The subjects of what a listing reports, which must all be readable."""
    found = []
    for each in upserts(events).values():
        content = each.fetch()
        assert isinstance(content, BytesContent)
        found.append(str(message_from_bytes(content.data)["Subject"]))
    return found


def failures(events: Sequence[Event]) -> list[Failure]:
    return [event for event in events if isinstance(event, Failure)]


def test_trash_junk_drafts_and_what_others_share_are_left_out(
    server: Dovecot, login: str, box: imaplib.IMAP4
) -> None:
    folders = ["Müll", "Müll/old", "Spam", "Drafts", "Deleted Items", "휴지통", "Private", "Private/deep"]
    kept = ["INBOX", "Sent", "Projects/Spam", "Private matters"]
    for name in (*folders, *kept[1:], "Public/board"):
        create(box, name)
    for name in (*folders, *kept, "Public/board"):
        append(box, imap_utf7.encode(name).decode("ascii"), message(name.replace("/", "-"), "text"))
    append(box, "INBOX", message("thrown away", "text"), "(\\Deleted)")
    append(box, "INBOX", message("unfinished", "text"), "(\\Draft)")
    events = listed(source(server, [f"{login} = {ANA}"], leave_out=["private"]))
    assert sorted(subjects(events)) == sorted(name.replace("/", "-") for name in kept)
    assert failures(events) == []


def test_folders_have_their_names_in_any_script(server: Dovecot, login: str, box: imaplib.IMAP4) -> None:
    for name in ("회의/2026 & 계획", "a;b%c", 'quo"te'):
        raw = imap_utf7.encode(name).decode("ascii").replace('"', '\\"')
        assert box.create(f'"{raw}"')[0] == "OK"
        append(box, raw, message("x", "text"))
    found = upserts(listed(source(server, [f"{login} = {ANA}"])))
    assert [each.attributes["folder"] for each in found.values()] == ["a;b%c", 'quo"te', "회의/2026 & 계획"]
    heads = [key.rpartition(";")[0] for key in found]
    assert heads == [f"{login}/a%3Bb%25c", f'{login}/quo"te', f"{login}/회의/2026 & 계획"]


def test_a_folder_whose_name_cannot_be_an_id_is_named_and_no_other_suffers(
    server: Dovecot, login: str, box: imaplib.IMAP4
) -> None:
    append(box, create(box, "fine"), message("fine", "text"))
    for name in ("turned\u202earound", "/".join(["deep" * 16] * 8)):
        append(box, create(box, name), message("hidden", "text"))
    events = check_listing(source(server, [f"{login} = {ANA}"]))
    assert subjects(events) == ["fine"]
    assert [event.code for event in failures(events)] == [FailureCode.UNREADABLE] * 2
    assert all(event.is_prefix and event.external_id.startswith("./") for event in failures(events))


def test_messages_that_go_away_in_mid_listing_take_no_other_with_them(
    server: Dovecot, login: str, box: imaplib.IMAP4, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PAGE", 4)
    uids = [append(box, "INBOX", message(f"m{n}", "text"))[1] for n in range(20)]
    run = iter(source(server, [f"{login} = {ANA}"]).documents())
    seen = [next(run) for _ in range(4)]
    for uid in (uids[0], uids[1], uids[6], uids[7]):
        expunge(box, "INBOX", uid)
    seen.extend(run)
    listed_uids = {int(key.rpartition("/")[2]) for key in upserts(seen)}
    assert set(uids) - {uids[6], uids[7]} <= listed_uids
    assert isinstance(seen[-1], Complete)


def test_a_resumed_run_reads_only_what_lies_behind_its_checkpoint(
    server: Dovecot, login: str, box: imaplib.IMAP4, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PAGE", 30)
    other = create(box, "A first folder")
    append(box, other, message("elsewhere", "text"))
    for n in range(120):
        append(box, "INBOX", message(f"m{n}", "text"))
    connector = source(server, [f"{login} = {ANA}"])
    events = list(connector.documents())
    point = next(n for n, event in enumerate(events) if isinstance(event, Checkpoint))
    checkpoint = events[point]
    assert isinstance(checkpoint, Checkpoint)
    resumed = list(connector.documents(checkpoint=checkpoint.state))
    assert upserts(resumed).keys() == upserts(events[point:]).keys()
    assert len(upserts(resumed)) == 21


def test_a_folder_made_anew_shares_no_id_with_the_old_one(
    server: Dovecot, login: str, box: imaplib.IMAP4
) -> None:
    append(box, create(box, "Team"), message("old", "text"))
    connector = source(server, [f"{login} = {ANA}"])
    before = upserts(listed(connector))
    box.delete("Team")
    create(box, "Team")
    append(box, "Team", message("new", "text"))
    after = upserts(listed(connector))
    assert not before.keys() & after.keys()
    (old,) = before.values()
    with pytest.raises(DocumentFailure):
        old.fetch()
    assert list(connector.again(list(before))) != list(connector.again(list(after)))


def test_a_message_that_was_expunged_before_it_is_read_is_gone(
    server: Dovecot, login: str, box: imaplib.IMAP4
) -> None:
    _, uid = append(box, "INBOX", message("old", "text"))
    connector = source(server, [f"{login} = {ANA}"])
    (found,) = upserts(listed(connector)).values()
    expunge(box, "INBOX", uid)
    with pytest.raises(DocumentFailure) as failure:
        found.fetch()
    assert failure.value.code is FailureCode.GONE
    assert list(connector.again([found.external_id])) == [Tombstone(found.external_id)]


def test_reading_leaves_a_message_unread(server: Dovecot, login: str, box: imaplib.IMAP4) -> None:
    append(box, "INBOX", message("old", "text"))
    assert subjects(listed(source(server, [f"{login} = {ANA}"]))) == ["old"]
    box.select("INBOX", readonly=True)
    assert box.search(None, "UNSEEN")[1] == [b"1"]


def test_a_message_over_the_limit_is_not_asked_for(server: Dovecot, login: str, box: imaplib.IMAP4) -> None:
    append(box, "INBOX", message("large", "x" * 5000))
    append(box, "INBOX", message("small", "x"))
    small = replace(LOOPBACK, max_content_bytes=2000)
    found = list(upserts(listed(source(server, [f"{login} = {ANA}"], surroundings=small))).values())
    with pytest.raises(DocumentFailure) as failure:
        found[0].fetch()
    assert failure.value.code is FailureCode.TOO_LARGE
    assert body_of(found[1].fetch()).strip() == "x"
    # A server that understates sizes is cut off behind the limit.
    assert found[0].size is not None
    understated = replace(found[0].fetch.args[0].message, size=1)  # type: ignore[attr-defined]
    found_again = replace(found[0].fetch.args[0], message=understated)  # type: ignore[attr-defined]
    with pytest.raises(DocumentFailure) as failure:
        found[0].fetch.func(found_again)  # type: ignore[attr-defined]
    assert failure.value.code is FailureCode.TOO_LARGE


def test_hidden_recipients_are_no_text_of_a_message(
    server: Dovecot, login: str, box: imaplib.IMAP4, tmp_path: Path
) -> None:
    append(box, create(box, "Sent"), message("Offer", "the offer", Bcc="secret@example.com"))
    (found,) = upserts(listed(source(server, [f"{login} = {ANA}"]))).values()
    content = found.fetch()
    assert isinstance(content, BytesContent)
    assert b"secret@example.com" in content.data
    file = tmp_path / found.name
    file.write_bytes(content.data)
    parsed = parse(file)
    assert "the offer" in parsed.text
    assert "secret" not in parsed.text + parsed.title + str(parsed.attributes)


def test_one_mailbox_is_read_with_its_own_password(server: Dovecot, login: str, box: imaplib.IMAP4) -> None:
    append(box, "INBOX", message("mine", "text"))
    own = source(server, [f"{login} = {ANA}"], password=PASSWORD, master_user=None)
    assert subjects(listed(own)) == ["mine"]


def test_a_wrong_password_asks_the_administrator_and_tells_no_secret(server: Dovecot, login: str) -> None:
    wrong = source(server, [f"{login} = {ANA}"], password="opensesame", master_user=None)
    with pytest.raises(Reconfigure) as refused:
        listed(wrong)
    assert "opensesame" not in f"{refused.value} {wrong!r} {vars(wrong)}"
    assert not wrong.check()[0].ok


def test_a_mailbox_that_refuses_leaves_the_others_and_loses_nothing(
    server: Dovecot, login: str, box: imaplib.IMAP4
) -> None:
    append(box, "INBOX", message("mine", "text"))
    events = check_listing(source(server, [f"{login} = {ANA}", f"gone-{login} = {BOB}"]))
    (failure,) = failures(events)
    assert (failure.external_id, failure.is_prefix, failure.hide) == (f"gone-{login}/", True, False)
    assert subjects(events) == ["mine"]
    assert isinstance(events[-1], Complete)
    test = {item.step: item.ok for item in source(server, [f"{login} = {ANA}", f"gone-{login}"]).check()}
    assert not test["sign-in"]


def test_mailboxes_that_all_refuse_are_a_wrong_master_password(server: Dovecot, login: str) -> None:
    other = f"other-{login}"
    server.add(other)
    with pytest.raises(Reconfigure) as caught:
        listed(source(server, [f"{login} = {ANA}", f"{other} = {BOB}"], password="wrong"))
    assert isinstance(said(caught.value), Told)


def test_a_certificate_must_name_the_host_and_come_from_a_known_authority(
    server: Dovecot, login: str, box: imaplib.IMAP4
) -> None:
    append(box, "INBOX", message("mine", "text"))
    known = str(server.certified.authority)

    def reached(host: str, port: int, ca_file: str | None) -> list[str]:
        settings = source(server, [f"{login} = {ANA}"], host=host, port=port, security="tls", ca_file=ca_file)
        return subjects(listed(settings))

    assert reached("localhost", server.tls_port, known) == ["mine"]
    for host, port, ca_file, why in (
        ("127.0.0.1", server.tls_port, known, "certificate"),  # a name that it does not have
        ("localhost", server.tls_port, None, "certificate"),  # an authority that nobody knows
        ("localhost", server.plain_port, known, "TLS"),
        ("localhost", server.tls_port, "/nowhere/ca.pem", "CA file"),
    ):
        with pytest.raises(Reconfigure, match=why):
            reached(host, port, ca_file)


def test_starttls_secures_a_plain_greeting_and_checks_the_certificate(
    server: Dovecot, login: str, box: imaplib.IMAP4
) -> None:
    append(box, "INBOX", message("mine", "text"))
    lines, ca_file = [f"{login} = {ANA}"], str(server.certified.authority)
    good = source(server, lines, host="localhost", security="starttls", ca_file=ca_file)
    assert subjects(listed(good)) == ["mine"]
    with pytest.raises(Reconfigure):
        listed(source(server, lines, host="127.0.0.1", security="starttls", ca_file=ca_file))


def test_a_private_address_is_refused_and_a_silent_port_is_tried_again(server: Dovecot, login: str) -> None:
    closed = Surroundings(network=Network())
    with pytest.raises(Reconfigure, match="MUNDAP_ALLOWED_NETWORKS"):
        listed(source(server, [f"{login} = {ANA}"], surroundings=closed))
    with pytest.raises(Retry):
        listed(source(server, [f"{login} = {ANA}"], port=1))


def test_a_lost_connection_is_made_again_where_the_listing_stood(
    server: Dovecot, login: str, box: imaplib.IMAP4, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PAGE", 10)
    uids = [append(box, "INBOX", message(f"m{n}", "text"))[1] for n in range(60)]
    with CuttingProxy(server.plain_port, cut_after=(3000,)) as proxy:
        events = listed(source(server, [f"{login} = {ANA}"], port=proxy.port))
        assert proxy.cuts == 1
    assert [int(key.rpartition("/")[2]) for key in upserts(events)] == uids
    assert isinstance(events[-1], Complete)


def test_a_connection_that_is_lost_each_time_is_no_short_listing(
    server: Dovecot, login: str, box: imaplib.IMAP4
) -> None:
    for n in range(60):
        append(box, "INBOX", message(f"m{n}", "text"))
    with CuttingProxy(server.plain_port, cut_after=(1500,) * 10) as proxy, pytest.raises(Retry):
        listed(source(server, [f"{login} = {ANA}"], port=proxy.port))


_SIGNED_IN = {
    "CAPABILITY": ["* CAPABILITY IMAP4rev1 AUTH=PLAIN", "{tag} OK done"],
    "AUTHENTICATE": ["+ ", "{tag} OK done"],
}
HOSTILE = {
    "it says goodbye": ({**_SIGNED_IN, "LIST": ["* BYE shutting down"]}, Retry),
    "it says goodbye at once": ({"": ["* BYE too many connections"]}, Retry),
    "it announces a terabyte": ({**_SIGNED_IN, "LIST": ['* LIST () "/" {{1000000000000}}']}, Retry),
    "it answers something else": ({**_SIGNED_IN, "LIST": ["* LIST ((", "{tag} OK done"]}, Retry),
    "it offers no plain sign-in": ({"CAPABILITY": ["* CAPABILITY IMAP4rev1", "{tag} OK done"]}, Reconfigure),
    "it cannot sign anybody in now": (
        {**_SIGNED_IN, "AUTHENTICATE": ["+ ", "{tag} NO [UNAVAILABLE] later"]},
        Retry,
    ),
}


@pytest.mark.parametrize(("script", "error"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_server_that_misbehaves_is_never_an_empty_mailbox(
    server: Dovecot, script: dict[str, list[str]], error: type[Exception]
) -> None:
    with ScriptedServer(script, greeting="* OK hello") as hostile, pytest.raises(error):
        listed(source(server, [f"ann = {ANA}"], port=hostile.port))


def test_why_an_answer_was_not_taken_is_told_again_in_any_language(server: Dovecot) -> None:
    script, _ = HOSTILE["it announces a terabyte"]
    with ScriptedServer(script, greeting="* OK hello") as hostile, pytest.raises(Retry) as caught:
        listed(source(server, [f"ann = {ANA}"], port=hostile.port))
    sentence = said(caught.value)
    assert isinstance(sentence, Told)
    assert isinstance(sentence.values["problem"], Told)
    assert "1000000000000 bytes" in sentence


_ROW = '* {n} FETCH (UID {n} FLAGS () RFC822.SIZE 9 INTERNALDATE "01-Mar-2026 10:00:00 +0900")'
SHORT = {
    "it leaves one out": [_ROW.format(n=1), _ROW.format(n=3), "{tag} OK done"],
    "it says that one went away": [_ROW.format(n=1), "{tag} NO [EXPUNGEISSUED] gone"],
    "it refuses": ["{tag} NO not now"],
    "it gives the same number twice": [_ROW.format(n=1), _ROW.format(n=1), "{tag} OK done"],
}


@pytest.mark.parametrize("rows", SHORT.values(), ids=SHORT.keys())
def test_a_page_that_is_not_whole_deletes_nothing_of_its_folder(server: Dovecot, rows: list[str]) -> None:
    script = {
        **_SIGNED_IN,
        "LIST": ['* LIST () "/" INBOX', "{tag} OK done"],
        "EXAMINE": ["* 3 EXISTS", "* OK [UIDVALIDITY 7] valid", "{tag} OK [READ-ONLY] done"],
        "FETCH": rows,
    }
    with ScriptedServer(script, greeting="* OK hello") as hostile:
        events = listed(source(server, [f"ann = {ANA}"], port=hostile.port))
    told = [(each.external_id, each.code, each.is_prefix) for each in failures(events)]
    assert told == [("ann/INBOX;", FailureCode.UNLISTED, True)]


def test_a_folder_name_that_would_end_its_command_is_never_sent_back(server: Dovecot) -> None:
    script = {
        **_SIGNED_IN,
        "LIST": ['* LIST () "/" {{15}}\r\nx\r\nA9 DELETE y1', '* LIST () "/" &AGE-', "{tag} OK done"],
    }
    with ScriptedServer(script, greeting="* OK hello") as hostile:
        events = listed(source(server, [f"ann = {ANA}"], port=hostile.port))
        assert [event.code for event in failures(events)] == [FailureCode.UNREADABLE] * 2
        assert all(isinstance(event.detail, Told) for event in failures(events))
        assert not any("SELECT" in line or "EXAMINE" in line or "DELETE" in line for line in hostile.heard)


def test_a_server_without_folders_loses_nothing(server: Dovecot) -> None:
    with ScriptedServer({**_SIGNED_IN, "LIST": ["{tag} OK done"]}, greeting="* OK hello") as hostile:
        events = listed(source(server, [f"ann = {ANA}"], port=hostile.port))
    assert [(each.external_id, each.is_prefix) for each in failures(events)] == [("ann/", True)]


def test_a_run_that_should_stop_stops(server: Dovecot, login: str) -> None:
    asked = replace(LOOPBACK, stopped=lambda: True)
    with pytest.raises(Stopped):
        listed(source(server, [f"{login} = {ANA}"], surroundings=asked))


def test_what_cannot_be_listed_is_said_again_for_single_messages(
    server: Dovecot, login: str, box: imaplib.IMAP4
) -> None:
    append(box, "INBOX", message("mine", "text"))
    lines = [f"{login} = {ANA}", f"shut-{login} = {BOB}", f"doubt-{login} = nobody in particular"]
    connector = source(server, lines)
    (mine,) = upserts(listed(connector))
    shut, doubted = f"shut-{login}/INBOX;1/1", f"doubt-{login}/INBOX;1/1"
    nowhere = ["no id", f"{login}/Gone;1/1", "stranger/INBOX;1/1"]
    with closing(connector):
        events = list(connector.again([mine, shut, doubted, *nowhere]))
    assert set(upserts(events)) == {mine}
    told = {each.external_id: each.hide for each in failures(events)}
    assert told == {f"shut-{login}/": False, f"doubt-{login}/": True}
    gone = {event.external_id for event in events if isinstance(event, Tombstone)}
    assert gone == set(nowhere)


def test_a_line_that_is_not_understood_hides_its_mailbox_only() -> None:
    lines = [
        "ann = Ann@Example.com",
        "info = group:directory:cn:sales",
        "old",
        "bob = bob",
        "all = everyone",
        "mine = group:staff",
        "eve*root = eve@example.com",
        "dan = dan@example.com",
        "DAN = ann@example.com",
    ]
    boxes = {box.login: box for box in parse_mailboxes(lines, by_master=True)}
    doubted = {login for login, box in boxes.items() if box.problem}
    assert doubted == {"bob", "all", "mine", "eve*root", "dan", "DAN"}
    assert all(boxes[login].acl == NOBODY for login in (*doubted, "old"))
    allowed = {
        login: str(entry.principal)
        for login, box in boxes.items()
        for clause in box.acl.clauses
        for entry in clause.entries
    }
    assert allowed == {"ann": "user:ann@example.com", "info": "group:directory:cn:sales"}


@pytest.mark.parametrize("lines", [["= ann@example.com"], ["a = a@example.com", "b = b@example.com"]])
def test_lines_without_a_login_and_two_mailboxes_with_one_password_are_refused(lines: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_mailboxes(lines, by_master=False)


@pytest.mark.parametrize("login", ["ann", "a/b;c%2F", "김 부장"])
@pytest.mark.parametrize("folder", ["INBOX", "a/b", "a;1/2", "100%", "%3B"])
def test_an_id_leads_back_to_its_message(login: str, folder: str) -> None:
    place = Place(login, folder, 17, 4)
    assert place_of(message_id(place)) == place
    assert message_id(place).startswith(folder_prefix(login, folder))
    below = message_id(Place(login, folder + "/below", 17, 4))
    assert not below.startswith(folder_prefix(login, folder))
