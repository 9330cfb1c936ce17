"""Databases against a real PostgreSQL and a real MariaDB: the suite, and what is peculiar to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.common.acl import NOBODY, PUBLIC, group, user
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.network import Network
from assistant.common.pace import Stopped
from assistant.common.types import Json
from connectors.sdk.contract import (
    CaughtUp,
    Checkpoint,
    Complete,
    Connector,
    Event,
    Failure,
    FeedGap,
    TextContent,
    Tombstone,
)
from connectors.sdk.errors import Reconfigure, Retry
from connectors.sdk.exact_json import MalformedError
from connectors.sdk.surroundings import Surroundings
from connectors.sources.database import query as query_module
from connectors.sources.database.query import LONGEST_LISTED, one_select
from connectors.sources.database.rows import acl_of
from tests.connectors.conformance import ANA, BOB, ConnectorConformance, check_listing, listed, sees, upserts
from tests.connectors.servers.cutting_proxy import CuttingProxy
from tests.connectors.sources.database_world import LOOPBACK, DatabaseWorld, MariadbWorld, PostgresqlWorld


class TestPostgresql(ConnectorConformance):
    make_world = PostgresqlWorld


class TestMariadb(ConnectorConformance):
    make_world = MariadbWorld


SUITES = (TestPostgresql, TestMariadb)


@pytest.fixture(params=[PostgresqlWorld, MariadbWorld], ids=["postgresql", "mariadb"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatabaseWorld]:
    made = request.param(tmp_path)
    assert isinstance(made, DatabaseWorld)
    with closing(made):
        yield made


def failures(events: Sequence[object]) -> list[Failure]:
    return [event for event in events if isinstance(event, Failure)]


def text(connector: Connector, name: str) -> str:
    content = upserts(listed(connector))[name].fetch()
    assert isinstance(content, TextContent)
    return content.text


def cursor_of(events: Sequence[Event]) -> dict[str, Json]:
    """Where the feed stood, as the engine would have stored it."""
    assert isinstance(events[-1], (Complete, CaughtUp))
    stored: dict[str, Json] = json.loads(json.dumps(events[-1].cursor))
    return stored


def test_columns_become_what_their_names_say(world: DatabaseWorld) -> None:
    world.put("a", "본문 100% 확인")
    world.change("a", title="두\n줄", url="https://example.com/a", kind="memo")
    found = upserts(check_listing(world.connector()))["a"]
    assert (found.title, found.url, found.attributes) == ("두 줄", "https://example.com/a", {"kind": "memo"})
    assert found.modified is not None
    assert abs((datetime.now(UTC) - found.modified).total_seconds()) < 60
    assert text(world.connector(), "a") == "본문 100% 확인"


def test_a_feed_gives_what_changed_and_an_overlap(world: DatabaseWorld) -> None:
    for name in ("old", "late", "fresh", "timeless"):
        world.put(name, name)
    stamps = {"old": "2026-01-01 00:00:00", "late": "2026-01-02 11:50:00", "fresh": "2026-01-02 12:00:00"}
    for name, stamp in stamps.items():
        world.session.execute("UPDATE documents SET changed_at = %s WHERE name = %s", (stamp, name))
    world.session.execute("UPDATE documents SET changed_at = NULL WHERE name = 'timeless'")
    connector = world.connector(overlap_minutes=15)
    cursor = cursor_of(listed(connector))
    caught = list(connector.documents(cursor=cursor))
    assert set(upserts(caught)) == {"late", "fresh", "timeless"}
    assert caught[-1] == CaughtUp(cursor)
    world.change("old", body="new")
    assert "old" in upserts(connector.documents(cursor=cursor))


def test_a_clock_that_goes_back_moves_the_cursor_back(world: DatabaseWorld) -> None:
    world.put("a", "text")
    connector = world.connector(overlap_minutes=0)
    cursor = cursor_of(listed(connector))
    world.session.execute("UPDATE documents SET changed_at = '2020-01-01 00:00:00'")
    behind = cursor_of(list(connector.documents(cursor=cursor)))
    assert str(behind["changed_at"]) < str(cursor["changed_at"])


def test_a_number_with_decimal_places_is_found_again_under_its_id(world: DatabaseWorld) -> None:
    long = "x" * (LONGEST_LISTED + 1)
    query = f"SELECT CAST(7 AS decimal(10, 2)) AS id, '{long}' AS text, 'everyone' AS allowed"
    connector = world.connector(query=query)
    (name,) = upserts(listed(connector))
    assert name == "7.00"
    assert text(connector, name) == long
    assert list(upserts(connector.again([name]))) == [name]


@pytest.mark.parametrize("world", [PostgresqlWorld], indirect=True)
def test_two_numbers_that_differ_in_their_decimal_places_alone_are_two_documents(
    world: DatabaseWorld,
) -> None:
    query = (
        "SELECT 7.0::numeric AS id, 'one' AS text, 'user:ana@example.com' AS allowed "
        "UNION ALL SELECT 7::numeric, 'two', 'user:bob@example.com'"
    )
    events = listed(world.connector(query=query))
    assert {name: sees(events, name, user(ANA)) for name in upserts(events)} == {"7": False, "7.0": True}


@pytest.mark.parametrize("value", ["Infinity", "-Infinity", "NaN"])
@pytest.mark.parametrize("world", [PostgresqlWorld], indirect=True)
def test_a_row_whose_id_is_no_number_does_not_keep_others_from_being_read(
    world: DatabaseWorld, value: str
) -> None:
    query = f"SELECT 7::numeric AS id, 'text' AS text UNION ALL SELECT '{value}'::numeric, 'text'"
    assert "7" in upserts(listed(world.connector(query=query)))


def test_a_cursor_that_the_query_no_longer_fits_is_a_gap(world: DatabaseWorld) -> None:
    world.put("a", "text")
    timeless = world.connector(query="SELECT name AS id, body AS text FROM documents")
    assert listed(timeless)[-1] == Complete(None)
    for connector, cursor in (
        (timeless, {"changed_at": "2026-01-01"}),
        (world.connector(), {"changed_at": "?"}),
    ):
        with pytest.raises(FeedGap):
            list(connector.documents(cursor=cursor))


def test_rows_that_only_a_collation_takes_for_one_are_all_listed(
    world: DatabaseWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_module, "PAGE", 2)
    monkeypatch.setattr("connectors.sources.database.connector.PAGE", 2)
    names = ["a", "A", "á", "b", "B", "가", "ㄱ", "10", "9", "Ａ"]
    for name in names:
        world.put(name, "text")
    events = check_listing(world.connector())
    assert set(upserts(events)) == set(names)
    assert list(upserts(events)) == list(upserts(listed(world.connector())))


def test_numbers_can_be_ids_and_come_in_their_own_order(world: DatabaseWorld) -> None:
    for name in ("2", "10", "1"):
        world.put(name, "text")
    number = "CAST(name AS integer)" if world.server.engine == "postgresql" else "CAST(name AS signed)"
    connector = world.connector(
        query=f"SELECT {number} AS id, body AS text, readers AS allowed FROM documents"
    )
    assert list(upserts(check_listing(connector))) == ["1", "2", "10"]
    assert text(connector, "10") == "text"
    assert set(upserts(connector.again(["10", "11"]))) == {"10"}
    assert [each for each in connector.again(["11"]) if isinstance(each, Tombstone)] == [Tombstone("11")]


def test_two_rows_with_one_id_hide_it_and_no_other(world: DatabaseWorld) -> None:
    for name in ("twice", "once"):
        world.put(name, "text")
        world.set_acl(name, allow=["everyone"])
    world.session.execute("INSERT INTO documents (name, body, readers) VALUES ('twice', 'x', 'everyone')")
    events = check_listing(world.connector())
    assert set(upserts(events)) == {"once"}
    assert [(each.external_id, each.code, each.hide) for each in failures(events)] == [
        ("twice", FailureCode.DUPLICATE_ID, True)
    ]
    assert isinstance(events[-1], Complete)
    assert upserts(world.connector().again(["twice"])) == {}


def test_rows_without_a_usable_id_are_told_and_delete_nothing(world: DatabaseWorld) -> None:
    world.put("fine", "text")
    world.session.execute("INSERT INTO documents (name, body) VALUES (NULL, 'x'), ('two\nlines', 'y')")
    events = check_listing(world.connector())
    assert set(upserts(events)) == {"fine"}
    assert {each.code for each in failures(events)} == {FailureCode.BAD_RECORD}
    assert any(each.detail.startswith("The row is not taken: the id ") for each in failures(events))
    assert not isinstance(events[-1], Complete)


def test_a_long_text_stays_in_the_database_until_it_is_read(world: DatabaseWorld) -> None:
    long = "가" * LONGEST_LISTED
    world.put("long", long)
    connector = world.connector()
    found = upserts(listed(connector))["long"]
    assert found.size == len(long.encode())
    assert long not in repr(found)
    content = found.fetch()
    assert isinstance(content, TextContent)
    assert content.text == long
    changed = long[:-1] + "나"
    world.change("long", body=changed)
    assert upserts(listed(connector))["long"].version != found.version
    world.delete("long")
    with pytest.raises(DocumentFailure) as failure:
        found.fetch()
    assert failure.value.code is FailureCode.GONE
    connector.close()


def test_a_text_over_the_limit_empty_or_null_is_a_failure_of_its_document(world: DatabaseWorld) -> None:
    world.put("large", "x" * 300)
    world.put("empty", " ")
    world.session.execute("INSERT INTO documents (name) VALUES ('null')")
    small = replace(LOOPBACK, max_content_bytes=200)
    codes = {}
    for name, found in upserts(check_listing(world.connector(surroundings=small))).items():
        with pytest.raises(DocumentFailure) as failure:
            found.fetch()
        codes[name] = failure.value.code
    assert codes == {"large": FailureCode.TOO_LARGE, "empty": FailureCode.EMPTY, "null": FailureCode.EMPTY}


_TYPES = {
    "postgresql": "SELECT 'x' AS id, decode('48c3a4', 'hex') AS text, 1.50::numeric AS price, true AS flag, "
    "'infinity'::timestamp AS never, '2026-03-01'::date AS day, 'NaN'::float8 AS odd, "
    "'{\"a\": [1, null]}'::jsonb AS more, decode('ff00', 'hex') AS raw, NULL AS nothing, "
    "ARRAY['p', 'q'] AS list, interval '1 hour' AS lasts",
    "mariadb": "SELECT 'x' AS id, x'48c3a4' AS text, CAST(1.5 AS decimal(5,2)) AS price, true AS flag, "
    "CAST('2026-03-01' AS date) AS day, '{\"a\": 1}' AS more, x'ff00' AS raw, NULL AS nothing, "
    "CAST('01:00:00' AS time) AS lasts",
}


def test_every_type_of_a_column_becomes_an_attribute(world: DatabaseWorld) -> None:
    connector = world.connector(query=_TYPES[world.server.engine])
    found = upserts(check_listing(connector))["x"]
    assert json.dumps(found.attributes)
    assert found.attributes["price"] == "1.50"
    assert found.attributes["day"] == "2026-03-01"
    assert found.attributes["raw"] == "ff00"
    assert "nothing" not in found.attributes
    assert text(connector, "x") == "Hä"


def test_a_row_with_a_bad_time_keeps_its_permissions(tmp_path: Path) -> None:
    world = PostgresqlWorld(tmp_path)
    world.put("a", "text")
    world.set_acl("a", allow=[f"user:{ANA}"])
    world.session.execute("UPDATE documents SET changed_at = 'infinity'")
    events = check_listing(world.connector())
    assert sees(events, "a", user(ANA))
    with pytest.raises(DocumentFailure) as failure:
        upserts(events)["a"].fetch()
    assert failure.value.code is FailureCode.BAD_RECORD
    assert failure.value.detail.startswith("The row is not taken: changed_at ")


def test_why_a_list_of_readers_is_not_understood_is_a_whole_sentence(tmp_path: Path) -> None:
    world = PostgresqlWorld(tmp_path)
    world.put("a", "text")
    world.break_acl("a")
    [failure] = failures(check_listing(world.connector()))
    assert (failure.external_id, failure.hide) == ("a", True)
    assert failure.detail.startswith("Who may read the row is not known: ")


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM documents",
        "SELECT name AS id, body AS text FROM documents; DELETE FROM documents",
        "WITH gone AS (DELETE FROM documents RETURNING *) SELECT name AS id, body AS text FROM gone",
        "SELECT name AS id, body AS text FROM documents) AS x; DELETE FROM documents --",
        "SELECT name AS id, body AS text FROM documents FOR UPDATE",
        "SELECT name AS id FROM documents",
        "SELECT name AS id, body AS text, kind AS members FROM documents",
        "SELECT name AS id, body AS text, kind AS text FROM documents",
        "SELECT name AS id, body AS text, kind AS changed_at FROM documents",
        "SELECT name AS id, body AS text FROM nowhere",
        "SELECT name AS id, body AS text FROM documents /*",
    ],
)
def test_a_query_that_is_not_one_harmless_select_is_refused(world: DatabaseWorld, query: str) -> None:
    world.put("a", "text")
    connector = world.connector(query=query, user=world.server.user)
    with pytest.raises(Reconfigure):
        listed(connector)
    assert set(upserts(listed(world.connector()))) == {"a"}


def test_a_query_cannot_write_even_for_an_account_that_may(world: DatabaseWorld) -> None:
    world.put("a", "text")
    call = {
        "postgresql": "CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM documents; SELECT 1'",
        "mariadb": "CREATE FUNCTION wipe() RETURNS int MODIFIES SQL DATA "
        "BEGIN DELETE FROM documents; RETURN 1; END",
    }
    world.session.execute("DROP FUNCTION IF EXISTS wipe")
    world.session.execute(call[world.server.engine])
    query = "SELECT 'x' AS id, 'text' AS text, wipe() AS done"
    with pytest.raises(Reconfigure):
        listed(world.connector(query=query, user=world.server.user))
    assert set(upserts(listed(world.connector()))) == {"a"}


def test_a_query_may_end_in_a_semicolon_and_hold_percent_signs_and_comments(world: DatabaseWorld) -> None:
    world.put("a", "text")
    query = "SELECT name AS id, body AS text, '5%s %%' AS rate FROM documents WHERE name LIKE '%a%' -- all\n;"
    (found,) = upserts(check_listing(world.connector(query=query))).values()
    assert found.attributes == {"rate": "5%s %%"}


def test_a_query_that_takes_too_long_is_given_up(world: DatabaseWorld) -> None:
    wait = "pg_sleep(5)::text" if world.server.engine == "postgresql" else "sleep(5)"
    slow = world.connector(query=f"SELECT {wait} AS id, 'x' AS text", longest_s=1)
    with pytest.raises(Reconfigure, match="longer"):
        listed(slow)


def test_wrong_credentials_and_names_ask_the_administrator_and_tell_no_secret(world: DatabaseWorld) -> None:
    for wrong in (
        world.connector(password="opensesame"),
        world.connector(user="stranger", password="opensesame"),
        world.connector(database="nowhere", password="opensesame"),
    ):
        with pytest.raises(Reconfigure) as refused:
            listed(wrong)
        assert "opensesame" not in f"{refused.value} {wrong!r} {vars(wrong)}"
        assert not wrong.check()[0].ok
    with pytest.raises(Reconfigure):
        listed(world.connector(database="nowhere"))


def test_the_certificate_must_name_the_host_and_come_from_a_known_authority(world: DatabaseWorld) -> None:
    world.put("a", "text")
    assert set(upserts(listed(world.connector(tls="off")))) == {"a"}
    for wrong in ({"host": "127.0.0.1"}, {"ca_file": None}, {"ca_file": "/nowhere/ca.pem"}):
        with pytest.raises(Reconfigure):
            listed(world.connector(**wrong))


def test_a_private_address_is_refused_and_a_silent_port_is_tried_again(world: DatabaseWorld) -> None:
    with pytest.raises(Reconfigure, match="MUNDAP_ALLOWED_NETWORKS"):
        listed(world.connector(surroundings=Surroundings(network=Network())))
    with pytest.raises(Retry):
        listed(world.connector(port=1))


def test_a_lost_connection_is_made_again_and_one_lost_each_time_is_no_short_listing(
    world: DatabaseWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_module, "PAGE", 5)
    monkeypatch.setattr("connectors.sources.database.connector.PAGE", 5)
    for number in range(40):
        world.put(f"n{number:02}", "x" * 500)
    with CuttingProxy(world.server.port, cut_after=(20_000,)) as proxy:
        events = listed(world.connector(port=proxy.port))
        assert proxy.cuts == 1
    assert len(upserts(events)) == 40
    assert isinstance(events[-1], Complete)
    with CuttingProxy(world.server.port, cut_after=(1_000,) * 20) as proxy, pytest.raises(Retry):
        listed(world.connector(port=proxy.port))


def test_a_resumed_run_asks_only_for_what_lies_behind_its_checkpoint(world: DatabaseWorld) -> None:
    for number in range(130):
        world.put(f"n{number:03}", "text")
    events = listed(world.connector())
    point = next(n for n, event in enumerate(events) if isinstance(event, Checkpoint))
    checkpoint = events[point]
    assert isinstance(checkpoint, Checkpoint)
    world.put("n999", "came meanwhile")
    state = json.loads(json.dumps(checkpoint.state))
    resumed = list(world.connector().documents(checkpoint=state))
    assert list(upserts(resumed)) == [*list(upserts(events[point:])), "n999"]
    assert resumed[-1] == events[-1]  # the cursor is that of the beginning


def test_a_run_that_should_stop_stops(world: DatabaseWorld) -> None:
    with pytest.raises(Stopped):
        listed(world.connector(surroundings=replace(LOOPBACK, stopped=lambda: True)))


def test_without_the_column_the_audience_reads_and_with_it_null_is_nobody(world: DatabaseWorld) -> None:
    world.put("a", "text")
    open_query = "SELECT name AS id, body AS text FROM documents"
    events = listed(world.connector(query=open_query, audience=["everyone"]))
    assert upserts(events)["a"].acl == PUBLIC
    assert upserts(listed(world.connector(query=open_query)))["a"].acl == NOBODY
    assert upserts(listed(world.connector(audience=["everyone"])))["a"].acl == NOBODY


def test_a_group_may_be_empty_and_its_query_must_have_its_columns(world: DatabaseWorld) -> None:
    world.session.execute("INSERT INTO members VALUES ('nobody here', NULL)")
    assert "nobody here" in str(list(world.connector().principals()))
    with pytest.raises(Reconfigure):
        list(world.connector(groups_query="SELECT team FROM members").principals())


def test_a_padded_id_and_a_long_list_of_readers_come_whole(world: DatabaseWorld) -> None:
    people = {f"user:person{number:05}@example.com" for number in range(2_000)}
    world.put("padded", "가" * LONGEST_LISTED)
    for each in sorted(people):
        world.session.execute("INSERT INTO members VALUES ('all', %s)", (each,))
    gathered = {
        "postgresql": "SELECT string_agg(member, ',') FROM members",
        "mariadb": "SELECT GROUP_CONCAT(member) FROM members",
    }
    allowed = gathered[world.server.engine]
    query = f"SELECT CAST(name AS char(20)) AS id, body AS text, ({allowed}) AS allowed FROM documents"
    connector = world.connector(query=query)
    (found,) = upserts(check_listing(connector)).values()
    assert found.acl is not None
    assert {str(entry.principal) for clause in found.acl.clauses for entry in clause.entries} == people
    assert isinstance(found.fetch(), TextContent)
    assert set(upserts(connector.again([found.external_id]))) == {found.external_id}
    connector.close()


@pytest.mark.parametrize(
    "value",
    [
        f"user:{ANA}, group:staff",
        f"group:staff\nuser:{ANA}\n",
        [f"user:{ANA}", "group:staff"],
        f'["user:{ANA}", "group:staff"]',
        b'{"allow": ["user:ana@example.com", "group:staff"]}',
        {"allow": [f"user:{ANA}", "group:staff"]},
    ],
)
def test_principals_are_read_from_every_shape(value: object) -> None:
    acl = acl_of(value)
    assert {entry.principal for clause in acl.clauses for entry in clause.entries} == {
        user(ANA),
        group("staff"),
    }
    assert all(entry.allow for clause in acl.clauses for entry in clause.entries)


@pytest.mark.parametrize(
    "value", [ANA, "everybody", 1, True, ["user:"], [None], '{"allow": "x"}', "{", "[1]"]
)
def test_what_is_no_list_of_principals_is_never_guessed(value: object) -> None:
    with pytest.raises(MalformedError):
        acl_of(value)


@pytest.mark.parametrize("value", [None, "", " ", "[]", [], '{"allow": []}'])
def test_an_empty_list_lets_nobody_in(value: object) -> None:
    acl = acl_of(value)
    assert not any(entry.allow for clause in acl.clauses for entry in clause.entries)


@pytest.mark.parametrize(
    "query", ["UPDATE x", "(DELETE FROM x)", "", "selection", "SELECT ';'", "EXPLAIN SELECT 1"]
)
def test_only_one_select_is_a_query(query: str) -> None:
    with pytest.raises(Reconfigure, match="'query'"):
        one_select(query, "query")


def test_a_deny_in_json_beats_an_allow(world: DatabaseWorld) -> None:
    world.put("a", "text")
    world.set_acl("a", allow=["group:staff"], deny=[f"user:{BOB}"])
    events = check_listing(world.connector())
    assert sees(events, "a", group("staff"))
    assert not sees(events, "a", user(BOB), group("staff"))
