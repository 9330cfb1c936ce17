"""Companions in Amazon's shape."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assistant.common.acl import user
from assistant.common.types import Json
from connectors.sdk.companion import parse_companion
from connectors.sdk.exact_json import MalformedError

ANA = {"Name": "ana@example.com", "Type": "USER", "Access": "ALLOW"}


def test_everything_a_companion_can_say_is_read() -> None:
    found = parse_companion(
        {
            "DocumentId": "s3://bucket/a.pdf",
            "Title": "휴가 규정\n2026",
            "ContentType": "PDF",
            "Attributes": {
                "_source_uri": "https://wiki.example.com/leave",
                "_last_updated_at": "2026-03-25T12:30:10+09:00",
                "_authors": ["Ana"],
                "team": "hr",
            },
            "AccessControlList": [ANA],
        }
    )
    assert found.title == "휴가 규정 2026"
    assert found.media_type == "application/pdf"
    assert found.url == "https://wiki.example.com/leave"
    assert found.modified == datetime(2026, 3, 25, 3, 30, 10, tzinfo=UTC)
    assert found.attributes["team"] == "hr"
    assert found.clause is not None
    assert found.clause.entries[0].principal == user("ana@example.com")


@pytest.mark.parametrize(
    "value",
    [
        [], None, "x", {"Title": 5}, {"ContentType": None}, {"Attributes": []}, {"Attributes": None},
        {"AccessControlList": None}, {"AccessControlList": {}}, {"AccessControlList": ["ana"]},
        {"AccessControlList": [{**ANA, "Access": "MAYBE"}]}, {"accessControlList": [ANA]}, {"ACL": []},
        {"HierarchicalAccessControlList": []}, {"Permissions": []}, {"deny": ["bob"]},
        {"Attributes": {"_last_updated_at": "yesterday"}},
        {"Attributes": {"_last_updated_at": "2026-01-01T00:00:00"}},
        {"Attributes": {"_source_uri": 5}}, {"Attributes": {"n": float("inf")}},
        {"Attributes": {"n": "\x00"}},
    ],
)  # fmt: skip
def test_a_companion_that_is_not_understood_is_refused(value: Json) -> None:
    with pytest.raises(MalformedError):
        parse_companion(value)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "//host/x", "https://", "http://a b/"]
)
def test_an_address_that_no_browser_should_open_is_dropped(url: str) -> None:
    assert parse_companion({"Attributes": {"_source_uri": url}}).url == ""


def test_only_the_access_list_leaves_the_fingerprint_as_it_is() -> None:
    plain = parse_companion({"Title": "a"})
    assert parse_companion({"Title": "a", "AccessControlList": [ANA]}).fingerprint == plain.fingerprint
    others: list[Json] = [
        {"Title": "b"},
        {"Title": "a", "Attributes": {"x": 1}},
        {"Title": "a", "ContentType": "MD"},
    ]
    for other in others:
        assert parse_companion(other).fingerprint != plain.fingerprint
