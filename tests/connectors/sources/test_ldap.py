"""A directory of people and groups, read from a real OpenLDAP."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from assistant.common.errors import UsageError
from assistant.common.network import Network
from assistant.common.pace import Stopped
from assistant.common.types import Json
from connectors.sdk.contract import Complete, Failure, GroupMembers
from connectors.sdk.errors import ConnectorError, Reconfigure, Retry, Stop
from connectors.sdk.names import id_problem
from connectors.sdk.surroundings import Surroundings
from connectors.sources.ldap.names import normal_dn, sid_text, without_unique_id
from connectors.sources.ldap.ranges import whole
from connectors.sources.ldap.session import Entry, Incomplete
from tests.connectors.conformance import ConnectorConformance, check_listing, check_principals, listed
from tests.connectors.servers.babbling import garbage
from tests.connectors.servers.cutting_proxy import cutting_proxy
from tests.connectors.servers.slapd import ADMIN, LIMITED, PASSWORD, SUFFIX
from tests.connectors.sources.ldap_world import LOOPBACK, LdapWorld, expanded

ANN, BOB, CHO = "ann@example.com", "bob@example.com", "cho@example.com"


@pytest.fixture
def world(tmp_path: Path) -> LdapWorld:
    """A branch with nobody in it."""
    return LdapWorld(tmp_path)


class TestLdap(ConnectorConformance):
    """A directory has no documents, so what the suite asks of them is asked of people and groups."""

    make_world = LdapWorld

    # Nothing to fetch, to list in part, to forbid one by one.
    test_fetch_gives_what_was_put = None  # type: ignore[assignment]
    test_a_document_without_permissions_is_for_nobody = None  # type: ignore[assignment]
    test_only_the_allowed_see_and_a_deny_beats_their_group = None  # type: ignore[assignment]
    test_a_changed_permission_shows_in_the_next_run_and_leaves_the_version = None  # type: ignore[assignment]
    test_changed_content_changes_the_version_of_that_document_only = None  # type: ignore[assignment]
    test_a_deleted_document_is_not_listed_and_the_listing_is_complete = None  # type: ignore[assignment]
    test_broken_permissions_hide_the_document_and_not_its_neighbour = None  # type: ignore[assignment]
    test_mended_permissions_show_the_document_again = None  # type: ignore[assignment]
    test_a_run_resumed_at_any_checkpoint_misses_nothing_after_it = None  # type: ignore[assignment]
    test_single_documents_can_be_reported_again = None  # type: ignore[assignment]

    def test_a_healthy_source_is_listed_to_its_end(self, world: LdapWorld) -> None:  # type: ignore[override]
        assert check_listing(world.connector()) == [Complete()]
        assert list(world.connector().permissions()) == [Complete()]
        assert isinstance(list(world.connector().principals())[-1], Complete)

    def test_two_listings_of_the_same_source_are_equal(self, world: LdapWorld) -> None:  # type: ignore[override]
        first = list(world.connector().principals())
        assert len(first) > 1
        assert first == list(world.connector().principals())

    def test_groups_come_with_their_members(self, world: LdapWorld) -> None:  # type: ignore[override]
        world.set_group("board", ["group:staff", f"user:{CHO}"])
        assert world.holders("cn:staff") == {BOB, "carol@example.com"}
        assert world.holders("cn:board") == {BOB, "carol@example.com", CHO}

    def test_a_source_that_vanished_is_an_error_and_no_empty_listing(self, world: LdapWorld) -> None:  # type: ignore[override]
        connector = world.connector()
        world.vanish()
        with pytest.raises(ConnectorError):
            list(connector.principals())
        assert not all(item.ok for item in connector.check())

    def test_a_listing_that_is_given_up_leaves_no_file_open(self, world: LdapWorld) -> None:  # type: ignore[override]
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        runs = [world.connector().principals() for _ in range(3)]
        for run in runs:
            next(run)
            run.close()  # type: ignore[attr-defined]
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


SUITES = (TestLdap,)


def failure(world: LdapWorld, **more: Json) -> Failure:
    """What a reading says that could not be finished."""
    events = list(world.connector(**more).principals())
    check_principals(events)
    assert isinstance(events[-1], Failure)
    return events[-1]


def test_groups_in_groups_lead_to_everybody_in_them_and_circles_end(world: LdapWorld) -> None:
    inner = world.group("inner", world.person("ann"))
    outer = world.group("outer", inner, world.person("bob"))
    world.server.change(inner, "member", f"uid=ann,{world.people}", outer)
    assert world.holders("cn:outer") == {ANN, BOB}
    assert world.holders("cn:inner") == {ANN, BOB}


def test_a_member_who_was_removed_is_gone(world: LdapWorld) -> None:
    ann, bob = world.person("ann"), world.person("bob")
    staff = world.group("staff", ann, bob)
    world.server.change(staff, "member", ann)
    assert world.holders("cn:staff") == {ANN}


def test_a_renamed_group_has_its_new_name_and_stays_a_member(world: LdapWorld) -> None:
    staff = world.group("staff", world.person("ann"))
    world.group("all", staff)
    world.server.rename(staff, "cn=crew")
    world.server.change(f"cn=all,{world.groups}", "member", f"cn=crew,{world.groups}")
    found = world.memberships()
    assert "cn:staff" not in found
    assert expanded(found, "cn:crew") == {ANN}
    assert expanded(found, "cn:all") == {ANN}


def test_a_changed_address_is_the_only_one_that_counts(world: LdapWorld) -> None:
    ann = world.person("ann")
    world.group("staff", ann)
    world.server.change(ann, "mail", "ann.kim@example.com")
    assert world.holders("cn:staff") == {"ann.kim@example.com"}


def test_all_addresses_of_a_person_are_theirs_in_their_canonical_form(world: LdapWorld) -> None:
    world.person("ann", "Ann@Example.COM", "a.kim@example.com", "no address")
    assert world.holders("login:ann") == {ANN, "a.kim@example.com"}


def test_an_address_of_two_people_is_nobodys_and_makes_denies_count(world: LdapWorld) -> None:
    world.group("staff", world.person("ann"), world.person("bob", "INFO@example.com"))
    world.person("cho", "info@example.com", CHO)
    assert world.holders("cn:staff") == {ANN, "?"}
    assert world.holders("login:cho") == {CHO, "?"}
    assert "info@example.com" in world.connector().check()[-1].detail


def test_a_person_without_an_address_is_nobody_and_makes_denies_count(world: LdapWorld) -> None:
    world.server.add(f"uid=ann,{world.people}", ["inetOrgPerson"], {"cn": "Ann", "sn": "Kim"})
    assert world.holders("login:ann") == {"?"}


def test_a_member_that_is_nowhere_is_in_doubt(world: LdapWorld) -> None:
    gone = f"uid=gone,{SUFFIX}"
    world.group("staff", world.person("ann"), gone, f"uid=left,{world.people}")
    assert world.holders("cn:staff") == {ANN, "?"}


def test_a_disabled_person_gives_nobody_anything(world: LdapWorld) -> None:
    ann, bob = world.person("ann"), world.person("bob")
    world.group("staff", ann, bob)
    world.server.change(bob, "employeeType", "left")
    assert world.holders("cn:staff", disabled_filter="(employeeType=left)") == {ANN}
    assert world.memberships(disabled_filter="employeeType=left")["login:bob"] == set()


def test_members_outside_the_bases_are_looked_up_with_their_groups(world: LdapWorld) -> None:
    partners = f"ou=partners,{world.base}"
    world.server.add(partners, ["organizationalUnit"], {})
    bob = f"uid=bob,{partners}"
    world.server.add(bob, ["inetOrgPerson"], {"cn": "Bob", "sn": "Lee", "mail": BOB})
    cho = f"uid=cho,{partners}"
    world.server.add(cho, ["inetOrgPerson"], {"cn": "Cho", "sn": "Oh", "mail": CHO, "employeeType": "left"})
    nested = f"cn=outside,{partners}"
    world.server.add(nested, ["groupOfNames"], {"member": [bob, cho, f"cn=staff,{world.groups}"]})
    world.group("staff", world.person("ann"), nested)
    assert world.holders("cn:staff", disabled_filter="(employeeType=left)") == {ANN, BOB}


def test_spellings_of_one_name_are_one_person(world: LdapWorld) -> None:
    dn = f"cn=Kim\\, Ann,{world.people}"
    world.server.add(dn, ["inetOrgPerson"], {"sn": "Kim", "mail": ANN})
    world.group("staff", f"CN=kim\\2C  ann , {world.people.upper()}")
    assert world.holders("cn:staff") == {ANN}


def test_posix_groups_hold_logins_and_those_whose_first_group_they_are(world: LdapWorld) -> None:
    ann = world.person("ann")
    world.person("bob")
    world.server.add(
        f"uid=cho,{world.people}",
        ["inetOrgPerson", "posixAccount"],
        {
            "cn": "Cho", "sn": "Oh", "mail": CHO, "uidNumber": "1003", "gidNumber": "2000",
            "homeDirectory": "/home/cho",
        },
    )  # fmt: skip
    dn = f"cn=staff,{world.groups}"
    world.server.add(dn, ["posixGroup"], {"gidNumber": "2000", "memberUid": ["bob"]})
    found = world.memberships()
    for key in ("cn:staff", "gid:2000", f"dn:{dn}"):
        assert expanded(found, key) == {BOB, CHO}
    assert expanded(found, "uid:1003") == expanded(found, "login:cho") == {CHO}
    assert expanded(found, f"dn:{ann}") == {ANN}
    world.server.change(dn, "memberUid", "bob", "nobody-here")
    assert world.holders("gid:2000") == {BOB, CHO, "?"}


def test_unique_members_are_members_with_or_without_their_bit_string(world: LdapWorld) -> None:
    ann, bob = world.person("ann"), world.person("bob")
    dn = f"cn=staff,{world.groups}"
    world.server.add(dn, ["groupOfUniqueNames"], {"uniqueMember": [f"{ann}#'0101'B", bob]})
    assert world.holders("cn:staff") == {ANN, BOB}


def test_a_name_of_two_groups_names_neither(world: LdapWorld) -> None:
    place = f"ou=seoul,{world.groups}"
    world.server.add(place, ["organizationalUnit"], {})
    ann = world.person("ann")
    world.group("staff", ann)
    world.server.add(f"cn=staff,{place}", ["groupOfNames"], {"member": [ann]})
    found = world.memberships()
    assert "cn:staff" not in found
    assert expanded(found, f"dn:cn=staff,{place}") == {ANN}
    assert "cn:staff" in world.connector().check()[-1].detail


def sid(*steps: int) -> bytes:
    """A security identifier as Active Directory stores it."""
    return struct.pack(f"<BB6s{len(steps)}I", 1, len(steps), (5).to_bytes(6, "big"), *steps)


def windows(name: str, number: int, **more: str | bytes) -> Mapping[str, str | bytes]:
    """What an entry of Active Directory has at least."""
    needed: dict[str, str | bytes] = {
        "instanceType": "4", "nTSecurityDescriptor": b"\x01", "objectCategory": SUFFIX,
        "objectSid": sid(21, 1, 2, 3, number), "sAMAccountName": name,
    }  # fmt: skip
    return {**needed, **more}


def test_active_directory_is_read_by_security_identifiers(world: LdapWorld) -> None:
    security, mail_only = "-2147483646", "2"
    for name, number, control in (("ann", 1001, "512"), ("bob", 1002, "514"), ("cho", 1003, "66048")):
        values = windows(
            name,
            number,
            sn=name,
            mail=f"{name}@example.com",
            userAccountControl=control,
            primaryGroupID="513",
        )
        world.server.add(f"cn={name},{world.people}", ["user", "extensibleObject"], values)
    for name, number, kind, member in (
        ("Domain Users", 513, security, world.groups),
        ("finance", 1100, security, f"cn=ann,{world.people}"),
        ("newsletter", 1101, mail_only, f"cn=cho,{world.people}"),
    ):
        values = windows(name, number, groupType=kind, member=member)
        world.server.add(f"cn={name},{world.groups}", ["group", "extensibleObject"], values)
    nested = windows("all", 1102, groupType=security, member=f"cn=newsletter,{world.groups}")
    world.server.add(f"cn=all,{world.groups}", ["group", "extensibleObject"], nested)
    found = world.memberships(schema="active_directory")
    assert expanded(found, "sid:S-1-5-21-1-2-3-1100") == {ANN}
    assert expanded(found, "sid:S-1-5-21-1-2-3-1003") == expanded(found, "login:cho") == {CHO}
    assert expanded(found, "sid:S-1-5-21-1-2-3-513") - {"?"} == {ANN, CHO}  # bob is disabled
    assert "cn:newsletter" not in found
    assert expanded(found, "cn:all") == {"?"}  # Windows looks through no group of mail addresses
    world.break_groups()
    assert "sid:S-1-5-21-1-2-3-1100" in world.memberships(schema="active_directory")


def test_a_long_list_of_members_is_asked_for_slice_by_slice() -> None:
    slices = {
        "member;range=2-*": Entry("cn=a", {"member;range=2-3": (b"c", b"d")}),
        "member;range=4-*": Entry("cn=a", {"member;range=4-*": (b"e",)}),
    }
    first = Entry("cn=a", {"member": (), "member;range=0-1": (b"a", b"b")})
    assert whole(first, "member", slices.__getitem__) == (b"a", b"b", b"c", b"d", b"e")
    for broken in (Entry("cn=a", {}), Entry("cn=a", {"member;range=5-*": (b"e",)})):
        with pytest.raises(Incomplete):
            whole(first, "member", lambda _, answer=broken: answer)  # type: ignore[misc]


def test_three_thousand_people_come_page_by_page(world: LdapWorld) -> None:
    dns = [world.person(f"p{number:04}") for number in range(3000)]
    world.group("everybody", *dns)
    turns: list[int] = []

    def asked() -> bool:
        turns.append(1)
        return False

    surroundings = Surroundings(network=LOOPBACK.network, stopped=asked)
    connector = world.kind.build(world.config, {"password": PASSWORD}, surroundings)
    groups = [event for event in connector.principals() if isinstance(event, GroupMembers)]
    memberships = {each.group: set(map(str, each.members)) for each in groups}
    assert len(expanded(memberships, "cn:everybody")) == 3000
    assert 3000 / 500 < len(turns) < 3000 / 500 + 8


def test_a_size_limit_leaves_the_reading_incomplete(world: LdapWorld) -> None:
    for number in range(12):
        world.person(f"p{number}")
    found = failure(world, bind_dn=LIMITED)
    assert "size limit" in found.detail
    assert not world.connector(bind_dn=LIMITED).check()[-1].ok


def test_a_branch_on_another_server_leaves_the_reading_incomplete(world: LdapWorld) -> None:
    world.person("ann")
    world.break_groups()
    assert "another server" in failure(world).detail


def test_a_connection_that_breaks_in_the_middle_is_tried_again_later(world: LdapWorld) -> None:
    for number in range(60):
        world.person(f"p{number}")
    for after in (0, 10, 500, 3000):
        with cutting_proxy(world.server.port, after_bytes=after) as port:
            connector = world.connector(url=f"ldap://localhost:{port}", encryption="none")
            with pytest.raises(Retry):
                list(connector.principals())


def test_a_server_that_does_not_answer_is_tried_again_later(world: LdapWorld) -> None:
    with cutting_proxy(world.server.port, after_bytes=0) as port:
        gone = f"ldap://localhost:{port}"
    with pytest.raises(Retry):
        list(world.connector(url=gone).principals())


@pytest.mark.parametrize("encryption", ["none", "tls"])
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail.example ESMTP\r\n",
        b"\x15\x03\x03\x00\x02\x02\x32",  # TLS: no handshake was begun
        b"\x04\x02no",
        b"\xff" * 20,
        b"0\x05\x02\x01\x02\x7f\x00",  # begins like LDAP, and is an answer to nothing that there is
    ],
)
def test_what_does_not_speak_ldap_asks_for_the_administrator(
    world: LdapWorld, answer: bytes, encryption: str
) -> None:
    with garbage([answer]) as port:
        connector = world.connector(url=f"ldap://localhost:{port}", encryption=encryption)
        with pytest.raises(Reconfigure, match=f"answers at localhost:{port} does not speak LDAP"):
            list(connector.principals())


@pytest.mark.parametrize("answer", [b"\x30\x00", b"\x30", b"\x30\x0c\x02\x01\x01\x61"])
def test_half_an_answer_is_asked_for_again_later(world: LdapWorld, answer: bytes) -> None:
    with garbage([answer]) as port:
        connector = world.connector(url=f"ldap://localhost:{port}", encryption="none")
        with pytest.raises(Retry, match=f"directory at localhost:{port} does not answer"):
            list(connector.principals())


def test_what_speaks_tls_and_then_no_ldap_asks_for_the_administrator(world: LdapWorld) -> None:
    with garbage([b"HTTP/1.1 400 Bad Request\r\n\r\n"], certified=world.server.certified) as port:
        connector = world.connector(url=f"ldaps://localhost:{port}")
        with pytest.raises(Reconfigure, match=f"answers at localhost:{port} does not speak LDAP"):
            list(connector.principals())


@pytest.mark.parametrize("name", [f"cn=unknown,{SUFFIX}", ADMIN])
def test_wrong_credentials_ask_for_the_administrator_and_tell_no_secret(world: LdapWorld, name: str) -> None:
    connector = world.kind.build({**world.config, "bind_dn": name}, {"password": "hunter22"}, LOOPBACK)
    with pytest.raises(Reconfigure) as caught:
        list(connector.principals())
    assert "hunter22" not in str(caught.value)
    assert "hunter22" not in repr(vars(connector))
    assert not connector.check()[0].ok


def test_an_account_without_its_password_is_not_taken_for_nobody(world: LdapWorld) -> None:
    with pytest.raises(Reconfigure, match="password"):
        list(world.kind.build(world.config, {}, LOOPBACK).principals())


def test_encryption_is_on_unless_it_is_turned_off_and_the_name_must_be_right(world: LdapWorld) -> None:
    world.person("ann")
    secure = f"ldaps://localhost:{world.server.secure_port}"
    assert world.memberships(url=secure) == world.memberships() == world.memberships(encryption="none")
    numbers: list[dict[str, Json]] = [
        {"url": f"ldaps://127.0.0.1:{world.server.secure_port}"},
        {"url": f"ldap://127.0.0.1:{world.server.port}"},
    ]
    for wrong in numbers:
        with pytest.raises(Reconfigure, match="certificate"):
            list(world.connector(**wrong).principals())
    with pytest.raises(Reconfigure, match="authorities"):
        list(world.connector(ca_file="/nowhere/authority.pem").principals())
    stranger = {key: value for key, value in world.config.items() if key != "ca_file"}
    with pytest.raises(Reconfigure, match="certificate"):
        list(world.kind.build(stranger, {"password": PASSWORD}, LOOPBACK).principals())


def test_a_private_address_is_refused_unless_it_is_allowed(world: LdapWorld) -> None:
    connector = world.kind.build(world.config, {"password": PASSWORD}, Surroundings(network=Network()))
    with pytest.raises(Reconfigure, match="MUNDAP_ALLOWED_NETWORKS"):
        list(connector.principals())


def test_a_base_that_is_gone_stops_the_run(world: LdapWorld) -> None:
    with pytest.raises(Stop):
        list(world.connector(bases=[f"ou=gone,{SUFFIX}"]).principals())


def test_a_filter_that_is_none_asks_for_the_administrator(world: LdapWorld) -> None:
    with pytest.raises(Reconfigure, match="filter"):
        list(world.connector(people_filter="(((").principals())


def test_work_that_was_stopped_ends_at_the_next_request(world: LdapWorld) -> None:
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 2

    surroundings = Surroundings(network=LOOPBACK.network, stopped=stopped)
    with pytest.raises(Stopped):
        list(world.kind.build(world.config, {"password": PASSWORD}, surroundings).principals())


def test_hostile_names_become_keys_that_can_be_stored_or_none(world: LdapWorld) -> None:
    ann = world.person("ann")
    for number, name in enumerate(("two\nlines", "turned\u202etext", "한글 그룹", "a" * 600, '"<#+,;=>\\')):
        dn = f"ou=n{number},{world.groups}"
        world.server.add(dn, ["groupOfNames", "extensibleObject"], {"cn": name, "member": [ann]})
    dn = f"cn=new\\0aline,{world.groups}"
    world.server.add(dn, ["groupOfNames"], {"member": [ann]})
    long = world.groups
    for letter in "bcdef":  # a store takes no single name of this length
        long = f"cn={letter * 150},{long}"
        world.server.add(long, ["groupOfNames"], {"member": [ann]})
    world.group("outer", dn, long)
    found = world.memberships()
    assert [key for key in found if id_problem(key)] == []
    assert expanded(found, "cn:한글 그룹") == {ANN}
    assert expanded(found, 'cn:"<#+,;=>\\') == {ANN}
    assert expanded(found, "cn:outer") == {ANN}
    assert not any("two" in key or "turned" in key for key in found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=Kim\\, Ann,DC=Example", "cn=kim\\2c ann, dc=example"),
        ("cn=a  b,dc=x", "cn=A B , dc=X"),
        ("cn=\\EA\\B0\\80,dc=x", "cn=가,dc=x"),
        ("cn=a+sn=b,dc=x", "SN=b+CN=a,dc=x"),
        ("cn=a\\\\b,dc=x", "cn=a\\5Cb,dc=x"),
    ],
)
def test_two_spellings_of_a_name_are_equal(one: str, other: str) -> None:
    assert normal_dn(one) == normal_dn(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=a\\,dc=x,dc=y", "cn=a,dc=x,dc=y"),
        ("cn=a\\2Bsn=b,dc=x", "cn=a+sn=b,dc=x"),
        ("cn=\\FF,dc=x", "cn=\\FE,dc=x"),
        ("no name", "another"),
    ],
)
def test_two_names_stay_two(one: str, other: str) -> None:
    assert normal_dn(one) != normal_dn(other)


def test_security_identifiers_are_read_from_bytes_and_from_text() -> None:
    assert sid_text(sid(21, 7, 4294967295, 1000)) == "S-1-5-21-7-4294967295-1000"
    assert sid_text(b"S-1-5-21-7-8-9-500") == "S-1-5-21-7-8-9-500"
    for broken in (b"", b"S-1-5-x", sid(21, 7)[:-1], b"\x02" + sid(21)[1:]):
        assert sid_text(broken) == ""
    assert without_unique_id("cn=a#'b'B") == "cn=a#'b'B"


@pytest.mark.parametrize(
    "url", ["http://a", "ldap://", "ldap://a/dc=x", "ldap://user@a", "ldap://a:99999", "ldapi:///run/x", "a"]
)
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        LdapWorld.kind.build({"url": url, "bases": [SUFFIX]}, {}, Surroundings())


def test_it_opens_nothing_when_it_is_made_and_gives_no_documents() -> None:
    connector = LdapWorld.kind.build(
        {"url": "ldap://gone.example.com", "bases": [SUFFIX]}, {}, Surroundings()
    )
    assert listed(connector) == [Complete()]
    assert not LdapWorld.kind.gives_documents
