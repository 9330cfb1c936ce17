"""A connector that says its own secret in everything that it can say."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    CheckItem,
    Complete,
    ConfigField,
    ConnectorKind,
    Content,
    Event,
    Failure,
    FieldType,
    PermissionEvent,
    PrincipalEvent,
    Upsert,
)
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings

Error = Callable[[str], Exception]


def _caused(secret: str) -> Exception:
    try:
        raise ConnectionError(f"Authorization: Bearer {secret}")
    except ConnectionError as cause:
        error = RuntimeError("the connection broke")
        error.__cause__ = cause
        return error


ERRORS: Mapping[str, Error] = {
    "an error with a cause": _caused,
    "an error of its own": lambda secret: ValueError(f"bad value {secret!r} for 'password'"),
    "a missing key": KeyError,
    "a sentence to be told": lambda secret: Reconfigure(told("The server says {words}.", words=secret)),
    "an address": lambda secret: Retry(f"https://u:{quote(secret, safe='')}@host/ is busy", after=60),
    "JSON": lambda secret: Stop(json.dumps({"password": secret})),
    "base64": lambda secret: Stop(base64.b64encode(f"user:{secret}".encode()).decode()),
}
WAYS = (*ERRORS, "a document that fails", "content that fails", "an item of the check")


class Babbling(BaseSource):
    """Fails in the way that its settings name."""

    def __init__(self, way: str, secret: str) -> None:
        self._way, self._secret = way, secret

    def check(self) -> list[CheckItem]:
        self._fail()
        return [CheckItem("sign-in", ok=False, detail=f"tried {self._secret}")]

    def documents(
        self, *, cursor: JsonObject | None = None, checkpoint: JsonObject | None = None
    ) -> Iterator[Event]:
        self._fail()
        if self._way == "a document that fails":
            yield Failure("a", FailureCode.UNREADABLE, f"tried {self._secret}")
        yield Upsert("b", "1", "B", "b.txt", "", "", None, {}, None, None, self._fetch)
        yield Complete()

    def permissions(self) -> Iterator[PermissionEvent]:
        yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        yield Complete()

    def _fetch(self) -> Content:
        raise DocumentFailure(FailureCode.UNREADABLE, told("the server says {words}", words=self._secret))

    def _fail(self) -> None:
        if self._way in ERRORS:
            raise ERRORS[self._way](self._secret)


def _build(config: JsonObject, secrets: Mapping[str, str], _surroundings: Surroundings) -> Babbling:
    return Babbling(str(config["way"]), secrets["password"])


KIND = ConnectorKind(
    name="feed",
    label={"en": "Babbling", "ko": "Babbling"},
    fields=(
        ConfigField("way", FieldType.TEXT, required=True, label={"en": "Way", "ko": "Way"}),
        ConfigField("password", FieldType.SECRET, required=True, label={"en": "Password", "ko": "Password"}),
    ),
    build=_build,
)
