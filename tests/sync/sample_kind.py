"""A kind of source with a field of every type, which behaves as its settings say. Tests register it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from assistant.common.acl import EVERYONE, NOBODY, PUBLIC, Acl, Clause, Entry, group, user
from assistant.common.errors import FailureCode, UsageError
from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    CheckItem,
    Complete,
    ConfigField,
    Connector,
    ConnectorKind,
    Event,
    Failure,
    FieldType,
    GroupMembers,
    PermissionEvent,
    PrincipalEvent,
    TextContent,
    Upsert,
)
from connectors.sdk.errors import Reconfigure
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings

PATH = "tests.sync.sample_kind:KIND"
DIRECTORY_PATH = "tests.sync.sample_kind:DIRECTORY"
SECRET = "open sesame 1001"
LISTED = 30
let_go = threading.Event()  # a slow source answers once this is set


class SampleSource(BaseSource):
    """Thirty documents, or what `behaviour` says."""

    def __init__(self, config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> None:
        self._behaviour = str(config["behaviour"])
        self._secrets = secrets
        self._surroundings = surroundings

    def check(self) -> list[CheckItem]:
        """One step that works, and one that depends on the behaviour."""
        self._behave()
        works = self._behaviour != "half"
        detail = "all of it" if works else "The right to read is missing.\nAsk for it."
        return [
            CheckItem("sign-in", ok=True, detail=f"as {len(self._secrets)} secrets"),
            CheckItem("read content", ok=works, detail=detail),
        ]

    def documents(
        self, *, cursor: JsonObject | None = None, checkpoint: JsonObject | None = None
    ) -> Iterator[Event]:
        """Documents with every sort of list."""
        del cursor, checkpoint
        self._behave()
        if self._behaviour == "hostile":
            yield _upsert("bad\u202egnp.exe\n<script>", NOBODY)
            yield Failure("broken <b>", FailureCode.BAD_PERMISSIONS, hide=True)
        both = Clause((_allow("page"), Entry(allow=True, principal=EVERYONE)))
        denied = Entry(allow=False, principal=user("bob@example.com"))
        lists = (
            PUBLIC,
            None,
            NOBODY,
            Acl((Clause((denied, _allow("staff"))),)),
            Acl((Clause((_allow("space"),)), both)),
        )
        for n in range(LISTED):
            yield _upsert(f"handbook/{n:02}.{'md' if n % 2 else 'pdf'}", lists[n % len(lists)], size=n * 1000)
            if self._behaviour == "slows down" and n == 2:
                let_go.wait(20)
        yield Complete()

    def permissions(self) -> Iterator[PermissionEvent]:
        """Nothing."""
        yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """One group."""
        yield GroupMembers("staff", (user("ann@example.com"), user("bob@example.com")))
        yield Complete()

    def _behave(self) -> None:
        match self._behaviour:
            case "slow":
                let_go.wait(20)
            case "refuses":
                raise Reconfigure("The account 'reader' is not known: check its name and password.")
            case "broken":
                raise RuntimeError(f"token {self._secrets.get('token')} is odd")
            case _:
                pass


def _allow(name: str) -> Entry:
    return Entry(allow=True, principal=group(name))


def _upsert(external_id: str, acl: Acl | None, size: int | None = None) -> Upsert:
    return Upsert(
        external_id=external_id,
        version="1",
        title="A title that nobody may be shown",
        name=external_id.rpartition("/")[2],
        url="",
        media_type="",
        modified=None,
        attributes={},
        acl=acl,
        size=size,
        fetch=lambda: TextContent("A text that nobody may be shown"),
    )


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """A sample source, which needs an account to go deep.

    Raises:
        UsageError: it has none.
    """
    if config.get("deep") is True and "account" not in config:
        raise UsageError("To go deep, give an account.")
    return SampleSource(config, secrets, surroundings)


FIELDS = (
    ConfigField("address", FieldType.URL, required=True, label={"en": "Address", "ko": "주소"}),
    ConfigField(
        "behaviour",
        FieldType.CHOICE,
        required=True,
        choices=("good", "half", "slow", "slows down", "refuses", "broken", "hostile"),
        label={"en": "Behaviour", "ko": "행동"},
    ),
    ConfigField("token", FieldType.SECRET, required=True, label={"en": "Token", "ko": "토큰"}),
    ConfigField("key", FieldType.SECRET, label={"en": "Key", "ko": "키"}, advanced=True),
    ConfigField("account", FieldType.TEXT, label={"en": "Account", "ko": "계정"}, example="reader"),
    ConfigField("folder", FieldType.PATH, label={"en": "Folder", "ko": "폴더"}),
    ConfigField("query", FieldType.LONG_TEXT, label={"en": "Query", "ko": "질의"}),
    ConfigField("starts", FieldType.LINES, label={"en": "Starts", "ko": "시작"}),
    ConfigField("depth", FieldType.NUMBER, least=1, most=9, label={"en": "Depth", "ko": "깊이"}),
    ConfigField("deep", FieldType.SWITCH, label={"en": "Go deep", "ko": "깊게"}),
    ConfigField("strict", FieldType.SWITCH, example="true", label={"en": "Strict", "ko": "엄격"}),
)
KIND = ConnectorKind(
    name="filesystem",  # the registry's guide of that name is shown with it
    label={"en": "Sample", "ko": "견본"},
    fields=FIELDS,
    build=build,
    feed_misses=({"en": "Moves of folders.", "ko": "폴더 이동."},),
)
DIRECTORY = ConnectorKind(
    name="jsonl",
    label={"en": "Sample directory", "ko": "견본 디렉터리"},
    fields=FIELDS,
    build=build,
    gives_documents=False,
)
