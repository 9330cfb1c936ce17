"""A program that calls the API with a person's key, over HTTP as Django's client speaks it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import cast

from django.core.asgi import get_asgi_application
from django.test import Client

from assistant.accounts.api_keys import issue_key
from assistant.accounts.models import User
from assistant.common.types import Json

JsonDict = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers and the bytes of the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def value(self) -> JsonDict:
        """The JSON object of the body."""
        return cast(JsonDict, json.loads(self.body))

    @property
    def error(self) -> str:
        """The code of the error, after a look at its shape."""
        assert set(self.value) == {"error"}
        error = cast(dict[str, str], self.value["error"])
        assert set(error) == {"code", "message"}
        assert error["message"]
        return error["code"]

    @property
    def message(self) -> str:
        """The sentence of the error."""
        return cast(dict[str, str], self.value["error"])["message"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls with one `Authorization` header, or with none."""

    authorization: str | None = None

    def get(self, path: str, **parameters: str | int | list[str]) -> Answer:
        """GET /api/v1/`path`."""
        return self.send("GET", path, parameters=parameters)

    def post(self, path: str, value: Json) -> Answer:
        """POST a JSON value to /api/v1/`path`."""
        return self.send("POST", path, body=json.dumps(value).encode())

    def send(
        self,
        method: str,
        path: str,
        *,
        parameters: dict[str, str | int | list[str]] | None = None,
        body: bytes = b"",
        content_type: str = "application/json",
    ) -> Answer:
        """Any request below /api/v1/."""
        headers = {} if self.authorization is None else {"Authorization": self.authorization}
        came = Client(raise_request_exception=False, enforce_csrf_checks=True).generic(
            method, f"/api/v1/{path}", body, content_type, headers=headers, query_params=parameters
        )
        assert came.headers["Content-Type"] == "application/json", (came.status_code, came.content[:200])
        assert came.headers["Cache-Control"] == "no-store"
        return Answer(came.status_code, dict(came.headers.items()), came.content)


def caller_of(user: User) -> Caller:
    """A program with a new key of this person."""
    key = issue_key(user_id=user.pk, name="script", days=30, actor="test")
    return Caller(f"Bearer {key.text}")


async def status_over_asgi(path: str, *authorizations: str) -> int:
    """The status of GET /api/v1/`path` as the ASGI server asks, with these headers one by one."""
    headers = [(b"authorization", value.encode()) for value in authorizations]
    bare, _, query = path.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": f"/api/v1/{bare}",
        "query_string": query.encode(),
        "headers": [*headers, (b"host", b"testserver")],
    }
    came: list[dict[str, int]] = []
    request: list[dict[str, object]] = [{"type": "http.request", "body": b""}]

    async def receive() -> dict[str, object]:
        while not request:  # the client stays connected and says no more
            await asyncio.sleep(0.05)
        return request.pop()

    async def send(message: dict[str, int]) -> None:
        came.append(message)

    await get_asgi_application()(scope, receive, send)  # type: ignore[arg-type]
    return came[0]["status"]
