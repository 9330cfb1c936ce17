"""Search, documents and questions over the API: exactly what the owner of the key may read."""

from __future__ import annotations

import json
from typing import cast

import pytest

from assistant.accounts.models import User
from assistant.chat import finding
from assistant.common.types import Json
from assistant.documents.models import Body, Document
from tests.api.calling import Answer, Caller, JsonDict, caller_of
from tests.conftest import DOCUMENTS, SmallWorld

READS = {
    "ann": {"handbook", "policy-ko", "open"},
    "bob": {"handbook", "policy-ko", "salaries", "open"},
    "cho": {"handbook", "policy-ko", "merger", "open"},
    "sam": {"open"},
    "ada": {"open"},
}
QUERIES = ("Heron Logistics merger price", "책임급 연봉 구간", "server room code", "remote work", "휴가")


def without_time(answer: Answer) -> JsonDict:
    return {key: value for key, value in answer.value.items() if key != "ms"}


def number_of(external_id: str) -> int:
    return Document.objects.get(external_id=external_id).pk


@pytest.fixture
def callers(small_world: SmallWorld, people: dict[str, User]) -> dict[str, Caller]:
    """A program of everybody in the small world."""
    return {name: caller_of(user) for name, user in people.items()}


def test_a_search_is_that_of_the_command(callers: dict[str, Caller], small_world: SmallWorld) -> None:
    for name, caller in callers.items():
        for query in QUERIES:
            answer = caller.get("search", q=query, k=3)
            assert answer.status == 200
            assert isinstance(answer.value["ms"], int)
            expected = finding.search(query, viewer=small_world.viewer(name), k=3)
            assert answer.value["hits"] == json.loads(json.dumps(expected))


def test_nothing_of_an_unreadable_document_is_in_any_answer(callers: dict[str, Caller]) -> None:
    for name, caller in callers.items():
        shown = "".join(
            answer.body.decode()
            for query in QUERIES
            for answer in (caller.get("search", q=query, k=50), caller.post("ask", {"question": query}))
        )
        for document in DOCUMENTS:
            mine = str(document["id"]) in READS[name]
            hit = f'"document": {number_of(str(document["id"]))},' in shown
            assert (hit, str(document["title"]) in shown) == (mine, mine), (name, document["id"])


def test_a_stranger_who_may_read_nothing_finds_nothing(
    small_world: SmallWorld, people: dict[str, User]
) -> None:
    del small_world.documents["open"]
    small_world.sync()
    caller = caller_of(people["sam"])
    for query in QUERIES:
        assert without_time(caller.get("search", q=query)) == {"hits": []}
        assert without_time(caller.post("ask", {"question": query})) == {
            "draft": False,
            "answer": "",
            "short_answer": "",
            "calculated": "",
            "no_answer": True,
            "blocked": None,
            "notes": [],
            "citations": [],
        }


def test_head_is_answered_as_get_without_a_body(callers: dict[str, Caller]) -> None:
    asked, head = (
        callers["ann"].get("search", q="remote work"),
        callers["ann"].send("HEAD", "search?q=remote%20work"),
    )
    assert (head.status, head.body) == (asked.status, b"")


def test_without_k_ten_hits_come_at_most(callers: dict[str, Caller]) -> None:
    hits = callers["bob"].get("search", q="the").value["hits"]
    assert 1 <= len(cast(list[Json], hits)) <= 10
    assert len(cast(list[Json], callers["bob"].get("search", q="the", k=1).value["hits"])) == 1


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({}, "'q' is missing"),
        ({"q": "  "}, "'q' is missing"),
        ({"q": "x" * 4_001}, "4001 characters; at most 4000"),
        ({"q": "a", "k": "0"}, "'k' must be a whole number from 1 to 50"),
        ({"q": "a", "k": "51"}, "'k' must be a whole number from 1 to 50"),
        ({"q": "a", "k": "-1"}, "'k' must be a whole number"),
        ({"q": "a", "k": "1.0"}, "'k' must be a whole number"),
        ({"q": "a", "k": "٣"}, "'k' must be a whole number"),
        ({"q": "a", "k": "9" * 5_000}, "'k' must be a whole number"),
        ({"q": "a", "k": ""}, "'k' must be a whole number"),
        ({"q": "a", "limit": "5"}, "no parameter 'limit' here. Known: q and k"),
        ({"q": ["a", "b"]}, "'q' may stand only once"),
        ({f"q{n}": "a" for n in range(2_000)}, "cannot be read"),
    ],
)
def test_a_bad_search_is_told_what_is_wrong(
    people: dict[str, User], parameters: dict[str, str | int | list[str]], says: str
) -> None:
    answer = caller_of(people["ann"]).get("search", **parameters)
    assert (answer.status, answer.error) == (400, "bad_request")
    assert says in answer.message


@pytest.mark.parametrize("query", ["\x00", "a\x00b", "\u202e", "💥" * 500, '"\\', "%s %d {0}", "\ufffd"])
def test_a_strange_search_finds_nothing_or_something_and_never_fails(
    callers: dict[str, Caller], query: str
) -> None:
    assert callers["bob"].get("search", q=query).status == 200


def test_a_readable_document_comes_with_its_exact_text(callers: dict[str, Caller]) -> None:
    answer = callers["ann"].get(f"documents/{number_of('policy-ko')}")
    assert answer.status == 200
    assert answer.value["text"] == Body.objects.get(document__external_id="policy-ko").text
    assert {key: answer.value[key] for key in ("id", "external_id", "title", "source")} == {
        "id": number_of("policy-ko"),
        "external_id": "policy-ko",
        "title": "휴가 규정",
        "source": "world",
    }
    assert str(answer.value["synced_at"]).endswith("Z")


def test_not_yours_and_not_there_are_the_same_bytes(callers: dict[str, Caller]) -> None:
    for name, caller in callers.items():
        nowhere = caller.get("documents/987654")
        for document in DOCUMENTS:
            answer = caller.get(f"documents/{number_of(str(document['id']))}")
            if document["id"] in READS[name]:
                assert answer.status == 200
            else:
                assert (answer.status, answer.body, answer.headers) == (404, nowhere.body, nowhere.headers)


def test_a_revoked_document_is_gone_at_the_next_request(
    callers: dict[str, Caller], small_world: SmallWorld
) -> None:
    caller, path = callers["ann"], f"documents/{number_of('handbook')}"
    assert caller.get(path).status == 200
    small_world.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
    small_world.sync("permissions")
    assert caller.get(path).status == 404
    assert "Employee handbook" not in caller.get("search", q="remote work").body.decode()


def test_an_answer_is_that_of_the_command(callers: dict[str, Caller], small_world: SmallWorld) -> None:
    question = "When does the merger with Heron Logistics close?"
    for name in ("cho", "ann"):
        answer = callers[name].post("ask", {"question": question})
        assert answer.status == 200
        expected = finding.ask(question, viewer=small_world.viewer(name))
        assert without_time(answer) == {key: value for key, value in expected.items() if key != "ms"}
    assert "30 September" in str(callers["cho"].post("ask", {"question": question}).value["answer"])


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b" ", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"\xff\xfe{", 400, "not JSON"),
        (b"[" * 60_000, 400, "not JSON"),
        (b"[]", 400, "must be a JSON object"),
        (b"{}", 400, "'question' is missing"),
        (b'{"question": 7}', 400, "'question' is missing"),
        (b'{"question": " "}', 400, "'question' is missing"),
        (b'{"question": "\\ud800"}', 400, "half of a character"),
        (b'{"question": "a", "as": "ann@example.com"}', 400, 'no field "as" here'),
        (b'{"question": "a", "\\ud800": 1}', 400, 'no field "\\ud800" here'),
        (json.dumps({"question": "x" * 4_001}).encode(), 400, "4001 characters"),
        (json.dumps({"question": "x" * 70_000}).encode(), 413, "too large"),
    ],
)
def test_a_bad_question_is_told_what_is_wrong(
    people: dict[str, User], body: bytes, status: int, says: str
) -> None:
    answer = caller_of(people["ann"]).send("POST", "ask", body=body)
    assert answer.status == status
    assert answer.error == ("too_large" if status == 413 else "bad_request")
    assert says in answer.message


def test_a_question_that_is_no_json_is_refused(people: dict[str, User]) -> None:
    answer = caller_of(people["ann"]).send(
        "POST", "ask", body=b"question=heron", content_type="application/x-www-form-urlencoded"
    )
    assert (answer.status, answer.error) == (400, "bad_request")
    assert "Content-Type: application/json" in answer.message
