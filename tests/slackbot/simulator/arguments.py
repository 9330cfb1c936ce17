"""A call's arguments: read from what arrived, and held against the table of methods."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from assistant.common.types import Json
from tests.slackbot.simulator.block_kit import block_problems, view_problems, view_too_large
from tests.slackbot.simulator.methods import Argument, Method
from tests.slackbot.simulator.reading import parsed, rows

TIMESTAMP: Final = re.compile(r"\d{10}\.\d{6}")


class Refused(Exception):
    """A call that Slack answers with `ok: false`. `expected` marks one that a test asked for."""

    def __init__(self, error: str, *details: str, expected: bool = False, **more: Json) -> None:
        super().__init__(error, *details)
        self.error = error
        self.details = details
        self.expected = expected
        self.more = more

    def answer(self) -> dict[str, Json]:
        body: dict[str, Json] = {"ok": False, "error": self.error, **self.more}
        if self.details:
            body["response_metadata"] = {"messages": [f"[ERROR] {each}" for each in self.details]}
            if self.error == "invalid_blocks":
                body["errors"] = list(self.details)
        return body


def received(content_type: str, body: bytes) -> dict[str, Json]:
    """The arguments in a request's body. Raises `Refused` for a body that is no JSON object or form."""
    if body and content_type.startswith("application/json"):
        value = parsed(body)
        if not isinstance(value, Mapping):
            raise Refused("invalid_json" if value is None else "json_not_object")
        return dict(value)
    if not body or content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    raise Refused("invalid_post_type", content_type)


class Arguments:
    """Arguments that fit the table. Reading one that was not sent gives an empty value."""

    def __init__(self, values: Mapping[str, Json]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        value = self._values.get(name)
        return value if isinstance(value, str) else ""

    def flag(self, name: str, *, usual: bool = False) -> bool:
        value = self._values.get(name, usual)
        return value is True

    def number(self, name: str, usual: int) -> int:
        value = self._values.get(name)
        return value if isinstance(value, int) else usual

    def rows(self, name: str) -> Sequence[Json]:
        return rows(self._values.get(name))

    def fields(self, name: str) -> Mapping[str, Json] | None:
        value = self._values.get(name)
        return value if isinstance(value, Mapping) else None


def validated(method: Method, sent: Mapping[str, Json]) -> Arguments:
    """`sent` as the method's arguments. Raises `Refused` with everything that is wrong at once.

    Every method takes `team_id`: slack_bolt's client sends it along for tokens of a whole organisation.
    An empty string counts as missing, but for `status`, which it clears.
    """
    wrong: list[str] = []
    values: dict[str, Json] = {}
    known = {each.name: each for each in method.arguments}
    for name, value in sent.items():
        argument = known.get(name)
        if argument is None and name != "team_id":
            wrong.append(f"unknown argument: {name}")
        elif argument is not None and value is not None:
            values[name] = _converted(argument, value, wrong)
    wrong += [
        f"missing required field: {each.name}"
        for each in method.arguments
        if each.required and sent.get(each.name) in (None, "") and each.name != "status"
    ]
    if wrong:
        raise Refused("invalid_arguments", *wrong)
    _judge_blocks(values)
    _judge_view(values)
    return Arguments(values)


def _judge_blocks(values: Mapping[str, Json]) -> None:
    blocks = values.get("blocks")
    if blocks is None:
        return
    if isinstance(blocks, str):
        raise Refused("invalid_blocks_format")
    problems = block_problems(blocks)
    if problems:
        raise Refused("invalid_blocks", *problems)


def _judge_view(values: Mapping[str, Json]) -> None:
    view = values.get("view")
    if view is None:
        return
    if view_too_large(view):
        raise Refused("view_too_large")
    problems = view_problems(view)
    if problems:
        raise Refused("invalid_arguments", *problems)


def _converted(argument: Argument, value: Json, wrong: list[str]) -> Json:
    """The value in the argument's own type; what does not fit is said in `wrong`."""
    result: Json = None
    match argument.type:
        case "text":
            result = value if isinstance(value, str) else None
        case "ts":
            result = value if isinstance(value, str) and TIMESTAMP.fullmatch(value) else None
        case "bool":
            result = _flag(value)
        case "int":
            result = _number(value)
        case "list":
            result = _list(value)
        case "blocks":
            decoded = _decoded(value)
            result = decoded if isinstance(decoded, list) else "not a list"
        case _:
            decoded = _decoded(value)
            result = decoded if isinstance(decoded, Mapping) else None
    if result is None:
        wrong.append(f"must be {WANTED[argument.type]} [json-pointer:/{argument.name}]")
    return result


WANTED: Final = {
    "text": "a string",
    "ts": "a timestamp such as 1405894322.002768, as a string",
    "bool": "a boolean",
    "int": "an integer",
    "list": "an array or a comma-separated string",
    "object": "an object",
    "view": "an object",
}


def _decoded(value: Json) -> Json:
    return parsed(value) if isinstance(value, str) else value


def _flag(value: Json) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"1": True, "true": True, "0": False, "false": False}.get(value if isinstance(value, str) else "")


def _number(value: Json) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value) else None


def _list(value: Json) -> list[Json] | None:
    if isinstance(value, str):
        try:
            decoded: Json = json.loads(value)
        except ValueError:
            return [each.strip() for each in value.split(",") if each.strip()]
        return list(decoded) if isinstance(decoded, list) else None
    return list(rows(value)) if isinstance(value, Sequence) else None
