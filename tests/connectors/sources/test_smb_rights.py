"""Access lists of Windows: what we make of them is what the real server does, and each doubt is closed."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.acl import EVERYONE, Acl, Clause, Entry, PrincipalRef, group, user
from connectors.sdk.directory import in_directory
from connectors.sources.smb.descriptor import Ace, BadDescriptor, Descriptor, is_sid, parse_descriptor
from connectors.sources.smb.reading_rights import READ as READ_BITS
from connectors.sources.smb.reading_rights import Names, clause_of
from tests.connectors.conformance import lets_in
from tests.connectors.servers.samba import Samba, samba
from tests.connectors.servers.smb_client import (
    ALLOW,
    DENY,
    INHERITED,
    ONLY_BELOW,
    READ,
    SmbClient,
    Written,
    packed_descriptor,
)
from tests.connectors.sources.smb_world import administrator

PEOPLE = ("ann", "bob", "cho", "sam")
MEMBERS = {"staff": ("ann", "bob"), "hr": ("bob",), "board": ("cho", "bob")}
WRITE_ONLY, ATTRIBUTES_ONLY = 0x0012_0116, 0x0012_0080
ALL_GENERIC, READ_GENERIC, WRITE_GENERIC = 0x1000_0000, 0x8000_0000, 0x4000_0000
EVERYBODY, SIGNED_IN, NETWORK, INTERACTIVE = "S-1-1-0", "S-1-5-11", "S-1-5-2", "S-1-5-4"
CREATOR, OWNER_RIGHTS, SYSTEM = "S-1-3-0", "S-1-3-4", "S-1-5-18"


@dataclass
class Office:
    """Samba with its groups, everybody signed in, and the SIDs' meaning as a people file would give it."""

    server: Samba
    clients: dict[str, SmbClient]
    names: Names

    def server_lets_in(self, path: str) -> set[str]:
        """Who really can open the file for reading."""
        return {name for name in PEOPLE if self.clients[name].may_read(path)}

    def we_let_in(self, descriptor: Descriptor) -> set[str]:
        """Who gets in by the clause that we make of it."""
        acl = Acl((clause_of(descriptor, self.names),))
        return {name for name in PEOPLE if lets_in(acl, *self.principals(name))}

    def principals(self, name: str) -> list[PrincipalRef]:
        groups = [group(each) for each, members in MEMBERS.items() if name in members]
        return [user(f"{name}@example.com"), *groups]


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    server = samba()
    for name, members in MEMBERS.items():
        server.set_members(name, members)
    by_sid = {server.sids[name]: user(f"{name}@example.com") for name in PEOPLE}
    by_sid |= {server.sids[name]: group(name) for name in MEMBERS}
    clients = {name: SmbClient(server.port, name) for name in PEOPLE}
    yield Office(server, clients, Names(by_sid, EVERYONE))
    for client in clients.values():
        client.close()
    for name in MEMBERS:
        server.set_members(name, [])


SHAPES: dict[str, tuple[list[tuple[int, str, int, int]] | None, str, set[str]]] = {
    "allow one": ([(ALLOW, "ann", READ, 0)], "", {"ann"}),
    "allow a group": ([(ALLOW, "staff", READ, 0)], "", {"ann", "bob"}),
    "explicit deny before allow": ([(DENY, "bob", READ, 0), (ALLOW, "staff", READ, 0)], "", {"ann"}),
    "explicit allow before inherited deny": (
        [(ALLOW, "bob", READ, 0), (DENY, "staff", READ, INHERITED), (ALLOW, "board", READ, INHERITED)],
        "",
        {"bob", "cho"},
    ),
    "allow before deny, out of order": ([(ALLOW, "bob", READ, 0), (DENY, "bob", READ, 0)], "", {"bob"}),
    "deny of writing only": ([(DENY, "bob", 0x2, 0), (ALLOW, "staff", READ, 0)], "", {"ann", "bob"}),
    "allow of writing only": ([(ALLOW, "ann", WRITE_ONLY, 0)], "", set()),
    "allow of attributes only": ([(ALLOW, "ann", ATTRIBUTES_ONLY, 0)], "", set()),
    "only for what lies below": ([(ALLOW, "ann", READ, ONLY_BELOW | 0x3)], "", set()),
    "deny only for what lies below": (
        [(DENY, "ann", READ, ONLY_BELOW | 0x3), (ALLOW, "ann", READ, 0)],
        "",
        {"ann"},
    ),
    "everyone": ([(ALLOW, EVERYBODY, READ, 0)], "", set(PEOPLE)),
    "whoever is signed in": (
        [(DENY, "sam", READ, 0), (ALLOW, SIGNED_IN, READ, 0)],
        "",
        {"ann", "bob", "cho"},
    ),
    "whoever comes over the network": ([(ALLOW, NETWORK, READ, 0)], "", set(PEOPLE)),
    "whoever sits at the machine": ([(ALLOW, INTERACTIVE, READ, 0)], "", set()),
    "deny of who sits at the machine": (
        [(DENY, INTERACTIVE, READ, 0), (ALLOW, "ann", READ, 0)],
        "",
        {"ann"},
    ),
    "deny of everyone": ([(DENY, EVERYBODY, READ, 0), (ALLOW, "ann", READ, 0)], "", set()),
    "the template of the creator": ([(ALLOW, CREATOR, READ, 0)], "ann", set()),
    "the owner by nothing": ([(ALLOW, "bob", READ, 0)], "ann", {"bob"}),
    "the owner's rights": ([(ALLOW, OWNER_RIGHTS, READ, 0)], "ann", {"ann"}),
    "the owner's rights denied": (
        [(DENY, OWNER_RIGHTS, READ, 0), (ALLOW, "staff", READ, 0)],
        "ann",
        {"bob"},
    ),
    "the system": ([(ALLOW, SYSTEM, READ, 0)], "", set()),
    "an empty list": ([], "ann", set()),
    "no list at all": (None, "", set(PEOPLE)),
    "all rights by their generic name": ([(ALLOW, "ann", ALL_GENERIC, 0)], "", {"ann"}),
    "writing by its generic name": ([(ALLOW, "ann", WRITE_GENERIC, 0)], "", set()),
    "an orphan": ([(ALLOW, "S-1-5-21-1-2-3-4711", READ, 0)], "", set()),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_means_for_us_what_it_means_for_the_server(shape: str, office: Office) -> None:
    described, owner, expected = SHAPES[shape]
    client, sids = administrator(), office.server.sids
    entries = None
    if described is not None:
        entries = [Written(kind, sids.get(who, who), mask, flags) for kind, who, mask, flags in described]
    client.write("shape.txt", "x")
    client.protect("shape.txt", entries, owner=sids[owner] if owner else "")
    assert office.server_lets_in("shape.txt") == expected
    assert office.we_let_in(parse_descriptor(client.descriptor("shape.txt"))) == expected
    client.remove("shape.txt")


def test_random_lists_mean_for_us_what_they_mean_for_the_server(office: Office) -> None:
    chance = random.Random(20260301)
    client, sids = administrator(), office.server.sids
    who = [*PEOPLE, *MEMBERS, EVERYBODY, SIGNED_IN, INTERACTIVE, CREATOR, OWNER_RIGHTS]
    masks = [READ, READ, READ, 0x1, WRITE_ONLY, ATTRIBUTES_ONLY, 0x001F_01FF, READ_GENERIC]
    client.write("random.txt", "x")
    outcomes = set()
    for _ in range(60):
        entries = [
            Written(
                chance.choice([ALLOW, ALLOW, DENY]),
                sids.get(name := chance.choice(who), name),
                chance.choice(masks),
                chance.choice([0, 0, INHERITED, ONLY_BELOW | 0x3]),
            )
            for _ in range(chance.randint(0, 5))
        ]
        client.protect("random.txt", entries, owner=sids[chance.choice(PEOPLE)])
        really = office.server_lets_in("random.txt")
        assert office.we_let_in(parse_descriptor(client.descriptor("random.txt"))) == really, entries
        outcomes.add(frozenset(really))
    assert len(outcomes) > 5
    client.remove("random.txt")


ANN = Ace(ALLOW, 0, READ, "S-1-5-21-1-2-3-1001")
ANN_IS = {ANN.sid: user("ann@example.com")}


def clause(*aces: Ace, everyone: bool = False, owner: str = "") -> Clause:
    return clause_of(Descriptor(owner, aces), Names(ANN_IS, EVERYONE if everyone else None))


def ann_gets_in(*aces: Ace, everyone: bool = False) -> bool:
    return lets_in(Acl((clause(*aces, everyone=everyone),)), user("ann@example.com"))


@pytest.mark.parametrize("kind", [0x0A, 0x04, 0x05, 0x06, 0x0B, 0x0C, 0x14, 0xFF])
def test_an_entry_that_may_deny_keeps_out_whom_it_may_mean(kind: int) -> None:
    assert not ann_gets_in(Ace(kind, 0, READ, ANN.sid), ANN)
    assert ann_gets_in(ANN, Ace(kind, 0, READ, ANN.sid))


def test_a_condition_is_not_evaluated_and_so_grants_nothing() -> None:
    assert not ann_gets_in(Ace(0x09, 0, READ, ANN.sid))
    assert ann_gets_in(Ace(0x09, 0, READ, ANN.sid), ANN)


def test_an_audit_neither_grants_nor_denies() -> None:
    assert ann_gets_in(Ace(0x02, 0, 0, ""), ANN)
    assert not ann_gets_in(Ace(0x02, 0, 0, ""))


def test_a_sid_that_no_file_names_is_looked_up_in_the_directory() -> None:
    unknown = "S-1-5-21-9-9-9-500"
    (entry,) = clause(Ace(DENY, 0, READ, unknown)).entries
    assert entry == Entry(allow=False, principal=in_directory("sid", unknown))


def test_groups_of_a_machine_are_never_those_of_the_directory() -> None:
    (entry,) = clause(Ace(ALLOW, 0, READ, "S-1-5-32-544")).entries
    assert entry.principal == group("S-1-5-32-544")


def test_unix_numbers_are_looked_up_as_such() -> None:
    owner, group_of = clause(
        Ace(ALLOW, 0, READ, "S-1-22-1-1000"), Ace(ALLOW, 0, READ, "S-1-22-2-100")
    ).entries
    assert owner.principal == in_directory("uid", "1000")
    assert group_of.principal == in_directory("gid", "100")


def test_everyone_lets_nobody_in_until_somebody_says_whom_it_means_and_its_deny_always_counts() -> None:
    assert not ann_gets_in(Ace(ALLOW, 0, READ, EVERYBODY))
    assert ann_gets_in(Ace(ALLOW, 0, READ, EVERYBODY), everyone=True)
    assert not ann_gets_in(Ace(DENY, 0, READ, EVERYBODY), ANN)
    assert clause_of(Descriptor("", None), Names()) == Clause(())


def test_a_central_policy_hides_the_file() -> None:
    assert clause_of(Descriptor("", (ANN,), has_policy=True), Names(ANN_IS)) == Clause(())


def test_every_generic_right_that_includes_reading_counts() -> None:
    for bit in (0x1, 0x8000_0000, 0x1000_0000):
        assert READ_BITS & bit
        assert ann_gets_in(Ace(ALLOW, 0, bit, ANN.sid))
        assert not ann_gets_in(Ace(DENY, 0, bit, ANN.sid), ANN)


WHOLE = packed_descriptor(
    [Written(ALLOW, "S-1-5-21-1-2-3-1001"), Written(DENY, "S-1-1-0", 1, INHERITED)],
    owner="S-1-5-21-1-2-3-500",
)


def test_a_descriptor_is_read_as_it_was_written() -> None:
    assert parse_descriptor(WHOLE) == Descriptor(
        "S-1-5-21-1-2-3-500",
        (Ace(ALLOW, 0, READ, "S-1-5-21-1-2-3-1001"), Ace(DENY, INHERITED, 1, "S-1-1-0")),
    )


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_descriptor_that_is_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(BadDescriptor):
        parse_descriptor(WHOLE[:length])


@given(st.binary(max_size=120), st.integers(0, len(WHOLE) - 1))
def test_no_bytes_break_the_reader(noise: bytes, at: int) -> None:
    for data in (noise, WHOLE[:at] + noise + WHOLE[at + len(noise) :]):
        try:
            found = parse_descriptor(data)
        except BadDescriptor:
            continue
        assert all(is_sid(ace.sid) or not ace.sid for ace in found.dacl or ())


def test_a_central_policy_is_noticed_in_the_descriptor() -> None:
    policy = struct.pack("<BBHI", 0x13, 0, 20, 0) + struct.pack("<BB6sI", 1, 1, b"\0\0\0\0\0\x11", 7)
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(policy), 1, 0) + policy
    head = struct.pack("<BBHIIII", 1, 0, 0x8014, 0, 0, 20, 0)
    assert parse_descriptor(head + acl).has_policy


def test_a_sid_is_written_as_windows_writes_it(tmp_path: Path) -> None:
    assert is_sid("S-1-5-32-544")
    for text in ("", "S-1", "S-1-5", "s-1-5-32", "S-1-5-32-x", "EXAMPLE\\ann", "S-1-5-32-544 "):
        assert not is_sid(text)
