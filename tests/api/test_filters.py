"""The API narrows by the same filters as the command line, and tells nothing of what is not the owner's."""

from __future__ import annotations

import json
from typing import cast

import pytest

from assistant.accounts.models import User
from assistant.api.description import described
from assistant.common.types import Json
from assistant.sync.engine import execute_run
from assistant.sync.services import add_source, request_run
from tests.api.calling import Answer, Caller, JsonDict, caller_of
from tests.api.conformity import misfits
from tests.conftest import SmallWorld

SECRET = "Board room"  # a source of which only cho may read
MEETING = {
    "id": "minutes",
    "title": "Board minutes",
    "text": "The office of the board moves to Sejong.",
    "attributes": {"author": "Cho"},
    "modified": "2024-05-01T00:00:00Z",
    "acl": {"allow": ["user:cho@example.com"]},
}


@pytest.fixture
def callers(small_world: SmallWorld, people: dict[str, User]) -> dict[str, Caller]:
    """A program of everybody, in the small world with a second source."""
    small_world.documents["handbook"].update(
        attributes={"author": ["Kim Minseo"], "team": "HR"}, modified="2025-02-01T00:00:00Z"
    )
    small_world.sync()
    file = small_world.file.with_name("board.jsonl")
    file.write_text(json.dumps(MEETING), encoding="utf-8")
    source_id = add_source(kind="jsonl", name=SECRET, config={"path": str(file)}, actor="test")
    assert execute_run(request_run(source_id=source_id, kind="full", actor="test"))
    return {name: caller_of(user) for name, user in people.items()}


def found(answer: Answer) -> list[str]:
    """External ids of the hits."""
    assert answer.status == 200, answer.body
    return [str(hit["external_id"]) for hit in cast(list[JsonDict], answer.value["hits"])]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"source": SECRET}, {"minutes"}),
        ({"source": ["world", SECRET], "author": ["cho", "KIM MINSEO"]}, {"minutes", "handbook"}),
        ({"type": ["txt", "pdf"], "attribute": "team=hr"}, {"handbook"}),
        ({"after": "2025-01-01"}, {"handbook"}),
        ({"after": "2024-01-01", "before": "2025-01-01T00:00:00+09:00"}, {"minutes"}),
        ({"type": "pdf"}, set()),
        ({"source": "nowhere"}, set()),
    ],
)
def test_a_search_holds_only_what_fits(
    callers: dict[str, Caller], filters: dict[str, str | int | list[str]], ids: set[str]
) -> None:
    assert set(found(callers["cho"].get("search", q="office board", k=50, **filters))) == ids


def test_a_source_of_others_and_one_that_is_not_there_are_the_same_bytes(callers: dict[str, Caller]) -> None:
    for name in ("ann", "bob", "sam", "ada"):
        answers = [callers[name].get("search", q="office board", source=s) for s in (SECRET, "Nowhere")]
        without_time = [json.dumps({**answer.value, "ms": 0}) for answer in answers]
        assert without_time[0] == without_time[1] == json.dumps({"hits": [], "ms": 0})
        body: list[Json] = [
            {"question": "Where does the board move?", "source": s} for s in (SECRET, "Nowhere")
        ]
        asked = [{**callers[name].post("ask", one).value, "ms": 0} for one in body]
        assert asked[0] == asked[1]
        assert asked[0]["no_answer"]
    assert found(callers["cho"].get("search", q="office board", source=SECRET)) == ["minutes"]


def test_a_question_is_answered_from_what_fits(callers: dict[str, Caller]) -> None:
    question = "When does the office in Daejeon open?"
    everywhere = callers["cho"].post("ask", {"question": question})
    assert "08:30" in str(everywhere.value["answer"])
    assert "08:30" in str(
        callers["cho"].post("ask", {"question": question, "source": ["world"]}).value["answer"]
    )
    for narrowed in ({"source": SECRET}, {"type": ["pdf"]}, {"before": "1999-01-01"}):
        answer = callers["cho"].post("ask", {"question": question, **narrowed}).value
        assert (answer["answer"], answer["no_answer"], answer["citations"]) == ("", True, [])


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ({"type": "exe"}, "Known types: pdf"),
        ({"source": ""}, "'source' is empty"),
        ({"after": "now"}, "a day such as 2024-03-31"),
        ({"after": ["2024-01-01", "2024-02-01"]}, "'after' may stand only once"),
        ({"after": "2024-01-02", "before": "2024-01-01"}, "time span is empty"),
        ({"attribute": "team"}, "written name=value"),
        ({"author": "x" * 201}, "longer than 200"),
        ({"sources": "world"}, "no parameter 'sources' here"),
    ],
)
def test_a_bad_filter_is_told_what_is_wrong(
    people: dict[str, User], filters: dict[str, str | int | list[str]], says: str
) -> None:
    answer = caller_of(people["sam"]).get("search", q="a", **filters)
    assert (answer.status, answer.error) == (400, "bad_request")
    assert says in answer.message


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ({"source": 7}, "'source' must hold a text or a list of texts"),
        ({"source": [["world"]]}, "'source' must hold a text or a list of texts"),
        ({"author": None}, "'author' must hold a text"),
        ({"type": {"a": "b"}}, "'type' must hold a text"),
        ({"before": ["2024-01-01", "2024-02-01"]}, "'before' may stand only once"),
        ({"source": "\ud800"}, "half of a character"),
    ],
)
def test_a_bad_filter_of_a_question_is_told_what_is_wrong(
    people: dict[str, User], filters: dict[str, Json], says: str
) -> None:
    body = json.dumps({"question": "a", **filters}).encode()
    answer = caller_of(people["sam"]).send("POST", "ask", body=body)
    assert (answer.status, answer.error) == (400, "bad_request")
    assert says in answer.message


def test_the_description_fits_what_is_taken() -> None:
    schemas = cast(JsonDict, cast(JsonDict, described()["components"])["schemas"])
    fitting: list[Json] = [
        {"question": "a"},
        {"question": "a", "source": "HR", "type": ["pdf"], "after": "2024-01-01", "attribute": ["a=b"]},
    ]
    question = cast(dict[str, Json], schemas["Question"])
    for value in fitting:
        assert misfits(value, question, schemas=schemas) == []  # type: ignore[arg-type]
    assert misfits({"question": "a", "type": "exe"}, question, schemas=schemas)  # type: ignore[arg-type]
