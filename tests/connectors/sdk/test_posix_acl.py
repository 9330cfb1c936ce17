"""POSIX rights as clauses: compared with acl(5) written down again, with getfacl and with the kernel."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.acl import EVERYONE, NOBODY, PUBLIC, Acl, Clause, Entry, PrincipalRef, group
from connectors.sdk.exact_json import MalformedError
from connectors.sdk.posix_acl import (
    READ,
    SEARCH,
    XATTR,
    PosixAcl,
    all_of,
    clause,
    from_mode,
    names_of_directory,
    names_of_source,
    parse_xattr,
)
from tests.connectors.conformance import lets_in
from tests.connectors.servers.programs import needs_root, program

BITS = st.integers(0, 7)
NUMBERS = st.integers(2001, 2005)
NAMED = st.dictionaries(NUMBERS, BITS, max_size=3).map(lambda found: tuple(sorted(found.items())))


@st.composite
def rights(draw: st.DrawFn) -> PosixAcl:
    users, groups = draw(NAMED), draw(NAMED)
    cut: bool = draw(st.booleans())
    mask = draw(BITS) if users or groups or cut else None
    return PosixAcl(draw(NUMBERS), draw(NUMBERS), draw(BITS), draw(BITS), draw(BITS), users, groups, mask)


def by_the_manual(acl: PosixAcl, want: int, uid: int, gids: Sequence[int]) -> bool:
    """The access check algorithm as acl(5) words it, step by step."""
    mask = 7 if acl.mask is None else acl.mask
    if uid == acl.owner:
        return acl.owner_bits & want == want
    for number, bits in acl.users:
        if number == uid:
            return bits & mask & want == want
    matching = [bits for number, bits in acl.groups if number in gids]
    if acl.group in gids:
        matching.append(acl.group_bits)
    if matching:
        return any(bits & mask & want == want for bits in matching)
    return acl.other_bits & want == want


def principals_of(uid: int, gids: Sequence[int]) -> list[PrincipalRef]:
    return [group(f"uid:{uid}"), *(group(f"gid:{gid}") for gid in gids)]


def packed(acl: PosixAcl) -> bytes:
    """The attribute as the kernel wants it."""
    none = 2**32 - 1
    entries = [(1, acl.owner_bits, none), *((2, bits, n) for n, bits in acl.users)]
    entries += [(4, acl.group_bits, none), *((8, bits, n) for n, bits in acl.groups)]
    entries += [] if acl.mask is None else [(16, acl.mask, none)]
    entries.append((32, acl.other_bits, none))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


@given(rights(), st.sampled_from([READ, SEARCH]), NUMBERS, st.sets(NUMBERS, max_size=4))
def test_a_clause_decides_as_the_manual_does(acl: PosixAcl, want: int, uid: int, gids: set[int]) -> None:
    made = Acl((clause(acl, want, naming=names_of_source, others=[EVERYONE]),))
    expected = by_the_manual(acl, want, uid, sorted(gids))
    assert lets_in(made, *principals_of(uid, sorted(gids))) is expected


@given(rights(), st.sampled_from([READ, SEARCH]), NUMBERS, st.sets(NUMBERS, max_size=4))
def test_without_others_only_the_rest_loses(acl: PosixAcl, want: int, uid: int, gids: set[int]) -> None:
    made = Acl((clause(acl, want, naming=names_of_source, others=[]),))
    closed = PosixAcl(
        acl.owner, acl.group, acl.owner_bits, acl.group_bits, 0, acl.users, acl.groups, acl.mask
    )
    expected = by_the_manual(closed, want, uid, sorted(gids))
    assert lets_in(made, *principals_of(uid, sorted(gids))) is expected


@given(rights())
def test_an_attribute_is_read_as_it_was_written(acl: PosixAcl) -> None:
    assert parse_xattr(packed(acl), owner=acl.owner, group=acl.group) == acl


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_refused_or_read_and_nothing_else(data: bytes) -> None:
    try:
        acl = parse_xattr(data, owner=1, group=1)
    except MalformedError:
        return
    assert sorted(packed(acl)) == sorted(data)


_SOUND = PosixAcl(1, 1, 6, 4, 0, ((2001, 4),), ((2002, 4),), 4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        packed(_SOUND)[:-1],
        packed(_SOUND)[:-8],
        struct.pack("<I", 3) + packed(_SOUND)[4:],
        packed(_SOUND) + struct.pack("<HHI", 64, 4, 5),
        packed(_SOUND) + struct.pack("<HHI", 2, 4, 2001),
        packed(_SOUND) + struct.pack("<HHI", 32, 4, 0),
        packed(_SOUND) + struct.pack("<HHI", 2, 8, 2009),
        packed(PosixAcl(1, 1, 6, 4, 0, ((2001, 4),), (), None)),
    ],
    ids=["empty", "cut", "no rest", "version", "kind", "user twice", "rest twice", "bits", "no mask"],
)
def test_a_list_that_is_not_exactly_understood_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_xattr(data, owner=1, group=1)


def test_a_number_that_the_system_could_not_translate_is_nobodys() -> None:
    for number in (65_534, 2**32 - 1):
        made = clause(from_mode(0o640, owner=number, group=number), READ, naming=names_of_source, others=[])
        assert [entry.principal.id for entry in made.entries] == ["uid:untranslated", "gid:untranslated"]
    assert names_of_directory("uid", 1001) == group("directory:uid:1001")


def test_what_is_open_to_all_is_written_as_everyone_and_what_is_closed_as_nobody() -> None:
    def made(mode: int, others: Sequence[PrincipalRef] = (EVERYONE,)) -> Clause:
        return clause(from_mode(mode, owner=1, group=2), READ, naming=names_of_source, others=others)

    assert all_of([made(0o755), made(0o644)]) == PUBLIC
    assert all_of([made(0o755), made(0o000)]) == NOBODY
    assert all_of([]) == NOBODY
    assert all_of([made(0o755), made(0o640), made(0o640)]) == Acl((made(0o640),))
    assert made(0o604).entries[:2] == (Entry(True, group("uid:1")), Entry(False, group("gid:2")))
    assert made(0o440, ()).entries == (Entry(True, group("uid:1")), Entry(True, group("gid:2")))


# Against the system itself. ------------------------------------------------------------------


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder that other accounts can reach, on a disk with access lists."""
    needs_root("to become other accounts")
    folder = Path(tempfile.mkdtemp(prefix="mundap-posix-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def random_rights(chance: random.Random) -> PosixAcl:
    def named() -> tuple[tuple[int, int], ...]:
        return tuple((n, chance.randrange(8)) for n in range(2001, 2006) if chance.random() < 0.3)

    users, groups = named(), named()
    owner, owning = chance.randint(2001, 2005), chance.randint(2001, 2005)
    user, team, rest, mask = (chance.choice([0, 1, 4, 5, 7]) for _ in range(4))
    return PosixAcl(owner, owning, user, team, rest, users, groups, mask if users or groups else None)


def write_rights(path: Path, acl: PosixAcl) -> None:
    os.chown(path, acl.owner, acl.group)
    os.setxattr(path, XATTR, packed(acl))


def read_rights(path: Path) -> PosixAcl:
    info = path.stat()
    try:
        data = os.getxattr(path, XATTR)
    except OSError:  # a list that says no more than the mode is kept in the mode alone
        return from_mode(info.st_mode, owner=info.st_uid, group=info.st_gid)
    return parse_xattr(data, owner=info.st_uid, group=info.st_gid)


def opened_as(uid: int, gids: Sequence[int], paths: Sequence[Path]) -> list[bool]:
    """Which of the files the kernel opens for an account, tried in a child that becomes it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(list(gids))
            os.setresgid(*[gids[0]] * 3)
            os.setresuid(*[uid] * 3)
            os.write(writing, bytes(_opens(path) for path in paths))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        found = answers.read()
    os.waitpid(child, 0)
    assert len(found) == len(paths)
    return [bool(each) for each in found]


def _opens(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except PermissionError:
        return False
    return True


def forgotten_by_linux(acl: PosixAcl) -> bool:
    """A list under an empty mask, which Linux leaves aside (see the module)."""
    return acl.mask == 0


def test_the_kernel_opens_exactly_what_the_clauses_open(disk: Path) -> None:
    chance = random.Random(7)
    layers: dict[Path, list[PosixAcl]] = {}
    for number in range(120):
        folder = disk / str(number)
        folder.mkdir()
        (folder / "f").write_bytes(b"x")
        for path in (folder / "f", folder):
            write_rights(path, random_rights(chance))
        layers[folder / "f"] = [read_rights(folder), read_rights(folder / "f")]
    allowed = refused = 0
    for uid in range(2001, 2007):
        for _ in range(3):
            gids = chance.sample(range(2001, 2007), 2)
            for path, opened in zip(layers, opened_as(uid, gids, list(layers)), strict=True):
                ours = _ours(layers[path], uid, gids)
                if any(map(forgotten_by_linux, layers[path])):
                    assert opened or not ours, (path, layers[path], uid, gids)
                else:
                    assert opened is ours, (path, layers[path], uid, gids)
                allowed, refused = allowed + ours, refused + (not ours)
    assert min(allowed, refused) > 200


def _ours(layers: Sequence[PosixAcl], uid: int, gids: Sequence[int]) -> bool:
    clauses = [
        clause(each, want, naming=names_of_source, others=[EVERYONE])
        for each, want in zip(layers, (SEARCH, READ), strict=True)
    ]
    return lets_in(all_of(clauses), *principals_of(uid, gids))


def test_linux_leaves_a_list_under_an_empty_mask_aside_and_we_keep_to_the_manual(disk: Path) -> None:
    acl = PosixAcl(2001, 2002, 4, 4, 4, ((2003, 4),), (), 0)
    path = disk / "f"
    path.write_bytes(b"x")
    write_rights(path, acl)
    assert opened_as(2003, [2004], [path]) == [True]
    assert not by_the_manual(acl, READ, 2003, [2004])
    made = Acl((clause(read_rights(path), READ, naming=names_of_source, others=[EVERYONE]),))
    assert not lets_in(made, *principals_of(2003, [2004]))


def test_getfacl_prints_what_the_parser_reads(disk: Path) -> None:
    getfacl = program("getfacl", package="acl")
    chance = random.Random(11)
    expected: dict[str, PosixAcl] = {}
    for number in range(60):
        path = disk / f"f{number}"
        path.write_bytes(b"x")
        write_rights(path, random_rights(chance))
        expected[str(path)] = read_rights(path)
    printed = subprocess.run(
        [getfacl, "-n", "-E", "-p", *expected], capture_output=True, text=True, check=True
    ).stdout
    assert _from_getfacl(printed) == expected


def _from_getfacl(text: str) -> dict[str, PosixAcl]:
    found = {}
    for block in filter(None, text.split("\n\n")):
        head = dict(line[2:].split(": ") for line in block.splitlines() if line.startswith("# "))
        rows = [line.split(":") for line in block.splitlines() if not line.startswith("#")]
        entries = {(kind, who): _bits(text) for kind, who, text in rows}
        found[head["file"]] = PosixAcl(
            int(head["owner"]),
            int(head["group"]),
            entries["user", ""],
            entries["group", ""],
            entries["other", ""],
            _named(entries, "user"),
            _named(entries, "group"),
            entries.get(("mask", "")),
        )
    return found


def _bits(text: str) -> int:
    return sum(bit for letter, bit in (("r", 4), ("w", 2), ("x", 1)) if letter in text)


def _named(entries: Mapping[tuple[str, str], int], kind: str) -> tuple[tuple[int, int], ...]:
    return tuple((int(who), bits) for (each, who), bits in entries.items() if each == kind and who)
