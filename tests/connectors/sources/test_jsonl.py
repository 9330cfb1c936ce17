"""Lines that are odd, broken, doubled or too long."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.common.acl import EVERYONE, NOBODY, PUBLIC, Clause, Entry, group, user
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.types import Json
from connectors.sdk.contract import Complete, Event, Failure, GroupMembers, TextContent
from connectors.sdk.errors import Retry, Stop
from connectors.sources.jsonl.connector import JsonlConnector
from connectors.sources.jsonl.lines import open_lines
from tests.connectors.conformance import check_listing, listed, sees, upserts

SHARED = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "retrieval"


def source(folder: Path, *lines: Json | bytes, everyone: bool = False) -> JsonlConnector:
    path = folder / "lines.jsonl"
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(raw))
    return JsonlConnector(path=path, everyone=everyone)


def failures(events: list[Event]) -> list[Failure]:
    return [event for event in events if isinstance(event, Failure)]


def complete(events: list[Event]) -> bool:
    return isinstance(events[-1], Complete)


def test_every_field_of_a_document_is_read(tmp_path: Path) -> None:
    line: Json = {
        "id": "규정/휴가",
        "title": " Leave \n policy ",
        "text": "스무 날\x00입니다.",
        "url": "https://wiki.example.com/leave",
        "modified": "2026-01-01T09:00:00+09:00",
        "attributes": {"team": "hr"},
        "acl": {"allow": ["user:Ana@Example.com"], "deny": ["group:interns"]},
        "lang": "ko",
        "meta": {"acl": "ignored, for it is the meta's own"},
    }
    found = upserts(check_listing(source(tmp_path, line, everyone=True)))["규정/휴가"]
    assert found.title == "Leave policy"
    assert found.fetch() == TextContent("스무 날 입니다.")
    assert found.url == "https://wiki.example.com/leave"
    assert found.modified == datetime(2026, 1, 1, tzinfo=UTC)
    assert found.attributes == {"team": "hr"}
    assert found.acl is not None
    assert found.acl.clauses == (
        Clause((Entry(False, group("interns")), Entry(True, user("ana@example.com")))),
    )


def test_the_audience_only_fills_in_where_a_line_is_silent(tmp_path: Path) -> None:
    lines: list[Json] = [{"id": "a", "text": ""}, {"id": "b", "text": "", "acl": {"allow": []}}]
    assert upserts(listed(source(tmp_path, *lines)))["a"].acl == NOBODY
    events = listed(source(tmp_path, *lines, everyone=True))
    assert upserts(events)["a"].acl == PUBLIC
    assert not sees(events, "b", user("ana@example.com"))


@pytest.mark.parametrize(
    "line",
    [
        {"acl": None}, {"acl": "everyone"}, {"acl": ["everyone"]}, {"acl": {}},
        {"acl": {"allow": "everyone"}},
        {"acl": {"allow": ["everybody"]}}, {"acl": {"allow": ["everyone"], "denied": []}},
        {"acl": {"entries": [["permit", "everyone"]]}}, {"acl": {"entries": [["allow", "everyone", "soon"]]}},
        {"acls": {"allow": ["user:a@b.c"]}}, {"ACL": {}}, {"permissions": []}, {"allow": []},
        {"deny": ["user:a@b.c"]},
        {"acl": {"allow": ["everyone"]}, "deny": ["user:a@b.c"]}, {"group": "hr"},
    ],
)  # fmt: skip
def test_permissions_that_are_not_understood_hide_and_never_fall_back_to_the_audience(
    tmp_path: Path, line: dict[str, Json]
) -> None:
    events = check_listing(
        source(tmp_path, {"id": "a", "text": "x", **line}, {"id": "b", "text": "y"}, everyone=True)
    )
    assert not sees(events, "a", EVERYONE, user("a@b.c"))
    [failure] = failures(events)
    assert (failure.external_id, failure.code, failure.hide) == ("a", FailureCode.BAD_PERMISSIONS, True)
    assert "Line 1" in failure.detail
    assert sees(events, "b", EVERYONE)
    assert complete(events)


@pytest.mark.parametrize(
    "line",
    [
        b"{", b"nothing", b"[]", b'"id"', b"\xff\xfe", b'{"id": "a", "id": "b", "text": ""}',
        b'{"text": "x"}',
        b'{"id": 5, "text": "x"}', b'{"id": "", "text": "x"}', b'{"id": "a\\nb", "text": "x"}', b"[" * 5000,
        b'{"id": "a\\u0000", "text": "x"}', b'{"id": "\\ud800", "text": "x"}', b'{"id": null, "text": "x"}',
        b'\xef\xbb\xbf{"id": "a", "text": "x"}', b'{"id": "' + b"a" * 513 + b'", "text": "x"}',
    ],
)  # fmt: skip
def test_a_line_whose_id_is_not_known_leaves_the_listing_incomplete(tmp_path: Path, line: bytes) -> None:
    events = check_listing(source(tmp_path, {"id": "z", "text": "x"}, line, {"id": "b", "text": "y"}))
    [failure] = failures(events)
    assert (failure.external_id, failure.code) == ("line 2", FailureCode.BAD_RECORD)
    assert "Line 2" in failure.detail
    assert set(upserts(events)) == {"z", "b"}
    assert not complete(events)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"text": 5}, '"text"'), ({"text": None}, '"text"'), ({"title": []}, '"title"'), ({"url": 5},
        '"url"'),
        ({"modified": "yesterday"}, "RFC 3339"), ({"modified": "2026-01-01T00:00:00"}, "zone"),
        ({"modified": 5}, "RFC 3339"), ({"attributes": []}, '"attributes"'),
        ({"attributes": {"a": "\x00"}}, "NUL"),
    ],
)  # fmt: skip
def test_malformed_content_fails_when_fetched_and_its_permissions_are_obeyed(
    tmp_path: Path, change: dict[str, Json], says: str
) -> None:
    line: dict[str, Json] = {"id": "a", "text": "x", "acl": {"allow": ["user:a@b.c"]}, **change}
    events = check_listing(source(tmp_path, line, everyone=True))
    found = upserts(events)["a"]
    with pytest.raises(DocumentFailure) as failed:
        found.fetch()
    assert failed.value.code is FailureCode.BAD_RECORD
    assert says in failed.value.detail
    assert "Line 1" in failed.value.detail
    assert sees(events, "a", user("a@b.c"))
    assert not sees(events, "a", EVERYONE)
    assert complete(events)


def test_a_document_without_text_fails_and_an_empty_text_is_left_to_the_engine(tmp_path: Path) -> None:
    found = upserts(listed(source(tmp_path, {"id": "a"}, {"id": "b", "text": ""})))
    with pytest.raises(DocumentFailure):
        found["a"].fetch()
    assert found["b"].fetch() == TextContent("")


def test_a_doubled_id_is_hidden_before_any_of_its_lines_is_reported(tmp_path: Path) -> None:
    wide: Json = {"id": "a", "text": "x", "acl": {"allow": ["everyone"]}}
    events = check_listing(
        source(tmp_path, wide, {"id": "b", "text": "y"}, {"id": "a", "text": "x"}, everyone=True)
    )
    assert set(upserts(events)) == {"b"}
    assert {(f.external_id, f.code, f.hide) for f in failures(events)} == {
        ("a", FailureCode.DUPLICATE_ID, True)
    }
    assert isinstance(events[0], Failure)
    assert complete(events)


def test_groups_and_documents_share_a_file_and_may_share_a_name(tmp_path: Path) -> None:
    connector = source(
        tmp_path, {"group": "a", "members": ["user:Ana@B.C"]}, b"", b"  ", {"id": "a", "text": "x"}
    )
    assert set(upserts(check_listing(connector))) == {"a"}
    assert list(connector.principals()) == [GroupMembers("a", (user("ana@b.c"),)), Complete()]


@pytest.mark.parametrize(
    "line",
    [
        {"group": "g"}, {"group": "g", "members": "user:a@b.c"}, {"group": "g", "members": ["ana"]},
        {"group": "g", "members": [], "member": []}, {"group": "ok", "members": []},
        {"group": 5, "members": []}, {"group": "", "members": []}, {"Group": "g", "members": []}, b"{",
    ],
)  # fmt: skip
def test_a_group_that_is_not_understood_leaves_the_groups_incomplete(
    tmp_path: Path, line: Json | bytes
) -> None:
    events = list(source(tmp_path, {"group": "ok", "members": []}, line).principals())
    assert events[0] == GroupMembers("ok", ())
    [failure] = [event for event in events if isinstance(event, Failure)]
    assert "Line 2" in failure.detail
    assert not isinstance(events[-1], Complete)


def test_a_line_over_the_limit_is_skipped_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    long = json.dumps({"id": "long", "text": "x" * 3000})
    path.write_text(f'{long}\n{{"id": "b", "text": ""}}\n{long}', encoding="utf-8")
    with open_lines(path, max_line_bytes=1000) as lines:
        records = list(lines.records())
    assert [number for number, _ in records] == [1, 2, 3]
    assert records[1][1] == {"id": "b", "text": ""}
    assert "longer than 1000" in str(records[0][1])
    assert "longer than 1000" in str(records[2][1])


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "a", "text": "x"}\r\n\r\n{"id": "b", "text": "y"}\r\n')
    assert set(upserts(check_listing(JsonlConnector(path=path)))) == {"a", "b"}


def test_a_file_that_grows_while_it_is_read_is_read_again_later(tmp_path: Path) -> None:
    connector = source(tmp_path, *[{"id": str(n), "text": "x"} for n in range(300)])
    run = connector.documents()
    next(run)
    with (tmp_path / "lines.jsonl").open("a") as stream:
        stream.write("\n{}")
    with pytest.raises(Retry):
        list(run)


def test_a_folder_or_a_missing_file_stops_the_run(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone"):
        with pytest.raises(Stop, match="path"):
            listed(JsonlConnector(path=path))


def test_an_empty_file_is_a_complete_listing_of_nothing(tmp_path: Path) -> None:
    assert listed(source(tmp_path)) == [Complete()]


def test_permissions_leave_the_version_and_every_content_field_changes_it(tmp_path: Path) -> None:
    base: dict[str, Json] = {
        "id": "a",
        "title": "t",
        "text": "x",
        "url": "https://a.b",
        "attributes": {"k": 1},
    }

    def version(**change: Json) -> str:
        return upserts(listed(source(tmp_path, {**base, **change})))["a"].version

    assert version(acl={"allow": ["everyone"]}, lang="ko") == version()
    changes: list[dict[str, Json]] = [
        {"title": "u"}, {"text": "y"}, {"url": ""}, {"attributes": {}}, {"modified": "2026-01-01T00:00:00Z"}
    ]  # fmt: skip
    assert len({version(), *(version(**change) for change in changes)}) == 6


lines_of_bytes = st.lists(
    st.binary(max_size=40)
    | st.builds(
        lambda name, acl: json.dumps({"id": name, "text": "", "acl": acl}).encode(),
        st.sampled_from(["a", "b", "c", ""]),
        st.recursive(
            st.none()
            | st.integers()
            | st.text(max_size=5)
            | st.sampled_from(["deny", "user:a@b.c", "group:g"]),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["allow", "deny", "all", "entries"]), inner, max_size=2)
            ),
            max_leaves=6,
        ),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(lines_of_bytes)
def test_no_file_makes_a_run_raise_or_shows_a_stranger_anything(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    connector = source(tmp_path_factory.mktemp("hostile"), *lines, everyone=True)
    events = check_listing(connector)
    assert not any(sees(events, name, user("stranger@b.c")) for name in upserts(events))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name", ["squad2-dev", "tydiqa-ko-train", "tydiqa-en-train", "kobest-boolq", "covidqa"]
)
def test_public_passages_load_as_they_are(name: str) -> None:
    path = SHARED / name / "passages.jsonl"
    if not path.exists():
        pytest.skip(f"needs {name}/passages.jsonl of the shared data beside the checkout")
    events = listed(JsonlConnector(path=path, everyone=True))
    assert failures(events) == []
    assert complete(events)
    with path.open(encoding="utf-8") as stream:
        assert len(upserts(events)) == sum(1 for _ in stream)
