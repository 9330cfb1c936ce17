"""The description names every call, and real answers are as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import cast

import pytest
from django.urls import URLPattern

from assistant.accounts.models import User
from assistant.api.answers import STATUS, ErrorCode
from assistant.api.as_json import as_json
from assistant.api.description import described
from assistant.api.schemas import Schema
from assistant.api.urls import urlpatterns
from assistant.common.types import Json
from assistant.sync.models import SyncRun
from tests.api.calling import Answer, Caller, JsonDict, caller_of
from tests.api.conformity import misfits
from tests.api.test_permissions import calls
from tests.conftest import SmallWorld
from tests.guardrails.rules import block

PATHS = cast(Mapping[str, Mapping[str, JsonDict]], described()["paths"])
SCHEMAS = cast(Mapping[str, Schema], cast(JsonDict, described()["components"])["schemas"])


def schema_of(path: str, method: str, status: int) -> Schema:
    """What the description says of the body of an answer."""
    operation = PATHS[path][method]
    response = cast(Mapping[str, JsonDict], operation["responses"])[str(status)]
    return cast(Schema, cast(Mapping[str, JsonDict], response["content"])["application/json"]["schema"])


def described_path(called: str) -> str:
    """The described path that a called one is an instance of."""
    bare = "/" + called.partition("?")[0]
    fits = [path for path in PATHS if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), bare)]
    assert len(fits) == 1, called
    return fits[0]


def assert_as_described(answer: Answer, called: str, method: str = "get") -> None:
    schema = schema_of(described_path(called), method, answer.status)
    assert misfits(cast(Json, answer.value), schema, schemas=SCHEMAS, at=called) == []


def test_every_route_is_described_and_nothing_else() -> None:
    routes = {str(entry.pattern) for entry in urlpatterns if isinstance(entry, URLPattern)} - {""}
    assert {"v1" + path for path in PATHS} == {re.sub(r"<\w+:(\w+)>", r"{\1}", route) for route in routes}


def test_the_description_needs_no_key_and_names_no_missing_schema(db: None) -> None:
    answer = Caller().get("openapi.json")
    assert (answer.status, answer.value) == (200, described())
    assert str(answer.value["openapi"]).startswith("3.1")
    named = set(re.findall(r'"#/components/schemas/(\w+)"', answer.body.decode()))
    assert named == set(SCHEMAS)
    assert Caller().send("POST", "openapi.json").status == 405


def test_every_parameter_of_a_path_is_described() -> None:
    for path, operations in PATHS.items():
        for operation in operations.values():
            given = cast(list[JsonDict], operation.get("parameters", []))
            in_path = {str(parameter["name"]) for parameter in given if parameter["in"] == "path"}
            assert in_path == set(re.findall(r"\{(\w+)\}", path))


def test_the_described_parameters_are_those_that_are_taken(ada: Caller) -> None:
    for path, operations in PATHS.items():
        called = path[1:].format(document_id=1, email="ann@example.com", run_id=1, source_id=1, job_id=1)
        if "get" not in operations or called == "openapi.json" or called.startswith("sources/"):
            continue
        parameters = cast(list[JsonDict], operations["get"].get("parameters", []))
        described_ones = [str(row["name"]) for row in parameters if row["in"] == "query"]
        refused = ada.get(called, nothing="x")
        assert refused.message.endswith(f"Known: {' and '.join(described_ones) or 'none'}."), path


@pytest.fixture
def ada(small_world: SmallWorld, people: dict[str, User]) -> Caller:
    """A program of the administrator."""
    return caller_of(people["ada"])


def test_real_answers_are_as_described(ada: Caller, small_world: SmallWorld, people: dict[str, User]) -> None:
    cho = caller_of(people["cho"])
    assert_as_described(cho.get("search", q="Heron Logistics"), "search")
    question = {"question": "When does the merger with Heron Logistics close?"}
    assert_as_described(cho.post("ask", question), "ask", "post")
    assert_as_described(ada.post("ask", question), "ask", "post")
    hits = cast(list[JsonDict], cho.get("search", q="Heron").value["hits"])
    assert_as_described(cho.get(f"documents/{hits[0]['document']}"), "documents/1")
    small_world.documents["handbook"]["acl"] = {"allow": ["group:hr", "user:outside@example.com"]}
    small_world.groups["hr"]["members"] = ["user:bob@example.com", "user:sam@example.com"]
    small_world.sync("permissions")
    for path, parameters in calls(small_world).items():
        answer = ada.send("GET", path, parameters=parameters)
        assert answer.status == 200
        assert_as_described(answer, path)
    changes = ada.get(f"permissions/runs/{SyncRun.objects.latest('pk').pk}/changes").value
    assert changes["documents"]
    assert changes["memberships"]


def test_a_blocked_answer_is_as_described(ada: Caller) -> None:
    block("Mergers", words=["heron"], message="We cannot talk about it.")
    answer = ada.post("ask", {"question": "What about heron?"})
    assert answer.value["blocked"] == {"topic": "Mergers", "message": "We cannot talk about it."}
    assert_as_described(answer, "ask", "post")


def test_real_errors_are_as_described(ada: Caller) -> None:
    for answer, called in (
        (Caller().get("search"), "search"),
        (ada.get("search"), "search"),
        (ada.get("documents/987654"), "documents/1"),
        (ada.send("DELETE", "search"), "search"),
    ):
        assert_as_described(answer, called)
    assert set(STATUS) == set(ErrorCode)


@dataclass(frozen=True, slots=True)
class Made:
    """One of everything that a value may hold."""

    at: datetime
    code: ErrorCode
    parts: tuple[int | None, ...]
    named: frozenset[str]


def test_a_value_becomes_json_by_its_fields() -> None:
    at = datetime(2026, 11, 21, 9, 30, tzinfo=timezone(timedelta(hours=9)))
    made = Made(at, ErrorCode.INTERNAL, (1, None), frozenset({"b", "a"}))
    assert as_json({"made": [made]}) == {
        "made": [{"at": "2026-11-21T00:30:00Z", "code": "internal", "parts": [1, None], "named": ["a", "b"]}]
    }
    assert type(cast(JsonDict, as_json(made))["code"]) is str
    assert as_json(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)) == "2026-01-02T03:04:05.000006Z"
    assert json.loads(json.dumps(as_json(made)))


@pytest.mark.parametrize("value", [b"bytes", object(), Made, 1j])
def test_what_has_no_form_in_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="has no form in JSON"):
        as_json(value)
