"""A world in which every text field of everything carries a mark of its own, and who may be shown which.

Documents come from a file of lines and from a folder. Everybody has turns and a shared
conversation, whose questions are marked too. People are marked by their names, groups,
accounts and sources by their ids and names.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from django.test import Client

from assistant.access.viewer import viewer_for
from assistant.accounts.api_keys import issue_key
from assistant.accounts.models import Role, User
from assistant.accounts.people import close_account
from assistant.accounts.roles import Right
from assistant.catalogue.audience import principals_of
from assistant.catalogue.models import LanguageModel, ModelGrant
from assistant.catalogue.opening import sealed_key
from assistant.chat.models import Conversation, Turn
from assistant.chat.runner import run_turn
from assistant.chat.sharing import share_conversation
from assistant.common.types import Json
from assistant.documents.models import Document
from assistant.sync.engine import execute_run
from assistant.sync.services import add_source, request_run
from tests.chat.files import added

MARK = re.compile(r"kanari[a-z]+\d+")
FIELDS = ("id", "title", "text", "url", "attribute", "heading")
FAILED = frozenset(
    {"kanarifailed0"}
)  # the id of a document that cannot be read: whoever sees sources mends it
GROUPS = frozenset({"kanarigroup1", "kanarigroup2", "kanarigroup3", "kanarighost1"})
ACCOUNTS = frozenset({"kanariaccount1", "kanariaccount2"})
MODEL = frozenset({"kanarimodel1", "kanarimodel2"})  # name and purpose of a language model for cho alone
MODEL_KEY = "kanarimodel3"  # its API key: nobody is shown that
LINES, FOLDER = "kanarisource1", "kanarisource2"
SOURCES = frozenset({LINES, FOLDER})
ROLES = {
    "ann": Role.EMPLOYEE,
    "bob": Role.EMPLOYEE,
    "cho": Role.EMPLOYEE,
    "sam": Role.EMPLOYEE,
    "eve": Role.EMPLOYEE,  # in every group, and her account is closed
    "con": Role.CONTENT_ADMINISTRATOR,
    "sec": Role.SECURITY_ADMINISTRATOR,
    "aud": Role.AUDITOR,
    "ada": Role.ADMINISTRATOR,
}
OPEN = frozenset(ROLES) - {"eve"}
WITH_FILES = frozenset({"ann", "cho", "eve", "ada"})
EVERYBODY, NOBODY = OPEN, frozenset[str]()
STAFF, HR, EXECUTIVES = frozenset({"ann", "bob", "cho"}), frozenset({"bob"}), frozenset({"cho"})
PAST = "2020-01-01T00:00:00Z"
# What a list says, and whom it lets in.
AUDIENCES: tuple[tuple[Json, frozenset[str]], ...] = (
    ({"allow": ["group:kanarigroup1"]}, STAFF),
    ({"allow": ["group:kanarigroup2"]}, HR),
    ({"allow": ["group:kanarigroup3"]}, EXECUTIVES),
    ({"allow": ["everyone"]}, EVERYBODY),
    ({"allow": []}, NOBODY),
    ({"allow": ["user:ada@example.com"]}, frozenset({"ada"})),
    ({"deny": ["group:kanarigroup2"], "allow": ["group:kanarigroup1"]}, frozenset({"ann", "cho"})),
    ({"deny": ["group:kanarighost1"], "allow": ["everyone"]}, NOBODY),
    ({"all": [{"allow": ["everyone"]}, {"allow": ["group:kanarigroup3"]}]}, EXECUTIVES),
    ({"entries": [["allow", "everyone", PAST], ["allow", "user:sam@example.com"]]}, frozenset({"sam"})),
    ({"allow": ["account:kanariaccount1"]}, frozenset({"ann"})),
    ({"allow": ["account:kanariaccount2"]}, NOBODY),
)  # fmt: skip
FOLDERS = {"open": EVERYBODY, "staff": STAFF, "hr": HR, "nobody": NOBODY}
THINGS = ("pump", "valve", "boiler", "contract", "salary", "휴가", "계약", "펌프", "merger", "budget")
QUESTIONS = (
    "What is the code of the pump?",
    "Where is the pump described?",
    "펌프의 암호는 무엇입니까?",
)


@dataclass(frozen=True, slots=True)
class Marked:
    """A document: its marks by field, and who may read it."""

    name: str
    marks: dict[str, str]
    readers: frozenset[str]
    source: str
    thing: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who looks at everything. Nobody in particular has neither account nor key."""

    name: str
    user: User | None
    client: Client
    key: str


@dataclass(slots=True)
class Canaries:
    """The world, its visitors, and the tokens of the conversations that each has shared."""

    documents: list[Marked]
    visitors: dict[str, Visitor]
    source_ids: dict[str, int]
    tokens: dict[str, str] = field(default_factory=dict)

    def own(self, visitor: str) -> set[str]:
        """Marks that this visitor may be shown anywhere."""
        read = [document for document in self.documents if visitor in document.readers]
        marks = {mark for document in read for mark in document.marks.values()}
        marks |= {document.source for document in read}
        marks |= MODEL if visitor == "cho" else set()
        return marks | {asked_by(visitor), person_mark(visitor), file_mark(visitor)}

    def also(self, visitor: str, path: str) -> set[str]:
        """Marks that a right, or a link that somebody gave them, opens on this path alone."""
        user = self.visitors[visitor].user
        if user is None or not user.is_active:
            return set()
        allowed: set[str] = set()
        if user.has_right(Right.SEE_SOURCES) and path.startswith("/console/"):
            allowed |= SOURCES | (FAILED if path.startswith("/console/sources/") else set())
        if user.has_right(Right.INSPECT_PERMISSIONS) and is_inspection(path):
            allowed |= {document.marks["id"] for document in self.documents} | FAILED
            allowed |= GROUPS | ACCOUNTS | SOURCES | {person_mark(name) for name in ROLES}
        if user.has_right(Right.MANAGE_MODELS) and path.startswith("/console/models/"):
            allowed |= MODEL
        if user.has_right(Right.MANAGE_PEOPLE) and path.startswith("/console/people/"):
            allowed |= {person_mark(name) for name in ROLES} | ACCOUNTS | SOURCES
        for owner, token in self.tokens.items():
            if path.startswith(f"/s/{token}/") and owner != "eve":
                allowed |= {asked_by(owner), person_mark(owner)}
        return allowed

    def foreign(self, visitor: str, path: str, shown: str) -> set[str]:
        """What this visitor was shown on this path and must not be: marks, and tokens of others' links."""
        marks = set(MARK.findall(shown)) - self.own(visitor) - self.also(visitor, path)
        tokens = {
            token
            for owner, token in self.tokens.items()
            if owner != visitor and token in shown and f"/{token}/" not in path
        }
        return marks | tokens


def is_inspection(path: str) -> bool:
    """Whether a page or call of the permission inspector stands behind the path."""
    beginnings = ("/console/permissions/", "/api/v1/permissions/")
    return path.startswith(beginnings) or bool(re.match(r"/console/sources/\d+/runs/\d+/changes/", path))


def asked_by(visitor: str) -> str:
    """The mark in this person's questions."""
    return f"kanariasked{visitor or 'x'}0"


def file_mark(visitor: str) -> str:
    """The mark in the name and the text of the file that this person added to their conversation."""
    return f"kanarifile{visitor or 'x'}0"


def person_mark(visitor: str) -> str:
    """The mark in this person's name."""
    return f"kanariperson{visitor or 'x'}0"


def laid_down(home: Path, *, documents: int, seed: int) -> Canaries:
    """The world, synced by real runs. `documents` must be at least the number of audiences."""
    random = Random(seed)
    in_lines = documents - documents // 4
    marked = [_line(number, random) for number in range(in_lines)]
    in_folder = [_file(number, random) for number in range(in_lines, documents)]
    people = {
        name: User.objects.create_user(
            f"{name}@example.com", "correct horse battery staple", name=person_mark(name), role=role
        )
        for name, role in ROLES.items()
    }
    sources = {
        LINES: _sync("jsonl", LINES, {"path": str(_write_lines(home, marked))}),
        FOLDER: _sync("filesystem", FOLDER, _write_folder(home, in_folder)),
    }
    world = Canaries([*marked, *in_folder], {}, sources)
    _model(people["cho"])
    for name, user in people.items():
        world.visitors[name] = _visitor(name, user)
        world.tokens[name] = _talk(name, user)
    world.visitors[""] = Visitor("", None, Client(raise_request_exception=False), "")
    close_account(user_id=people["eve"].pk, actor="test")
    people["eve"].refresh_from_db()
    return world


def _model(user: User) -> None:
    name, purpose = sorted(MODEL)
    row = LanguageModel.objects.create(
        name=name,
        purpose=purpose,
        kind="openai-compatible",
        address="https://llm.example.com/v1",
        server_model="writer",
    )
    row.sealed_key = sealed_key(row.pk, MODEL_KEY)
    row.save()
    ModelGrant.objects.create(model=row, principal=principals_of([user.email])[0])


def _letters(number: int) -> str:
    """A name without digits, so that no mark begins another one."""
    letters = string.ascii_lowercase
    return f"d{letters[number // 676 % 26]}{letters[number // 26 % 26]}{letters[number % 26]}q"


def _marks(name: str, fields: Iterable[str]) -> dict[str, str]:
    return {one: f"kanari{name}{FIELDS.index(one)}" for one in fields}


def _line(number: int, random: Random) -> Marked:
    name = _letters(number)
    _, readers = AUDIENCES[number % len(AUDIENCES)]
    return Marked(name, _marks(name, FIELDS), readers, LINES, random.choice(THINGS))


def _file(number: int, random: Random) -> Marked:
    name = _letters(number)
    readers = list(FOLDERS.values())[number % len(FOLDERS)]
    return Marked(name, _marks(name, ("id", "text", "heading")), readers, FOLDER, random.choice(THINGS))


def _text(document: Marked) -> str:
    marks, thing = document.marks, document.thing
    return (
        f"# Section {marks['heading']}\n\nThe code of the {thing} is {marks['text']}. "
        f"The {thing} in the plant is described here, and so is the pump."
        f"\n\n{thing}의 암호는 {marks['text']}입니다."
    )


def _write_lines(home: Path, documents: list[Marked]) -> Path:
    everyone: list[Json] = ["user:ann@example.com", "user:eve@example.com"]
    lines: list[dict[str, Json]] = [
        {"group": "kanarigroup1", "members": [*everyone, "group:kanarigroup2", "group:kanarigroup3"]},
        {"group": "kanarigroup2", "members": ["user:bob@example.com"]},
        {"group": "kanarigroup3", "members": ["user:cho@example.com"]},
        {"account": "kanariaccount1", "email": "ann@example.com"},
        {"account": "kanariaccount2"},
        {"id": "kanarifailed0", "title": "kanarifailed1", "text": "", "acl": {"allow": ["everyone"]}},
    ]
    for number, document in enumerate(documents):
        lines.append(
            {
                "id": document.marks["id"],
                "title": f"{document.thing} {document.marks['title']}",
                "text": _text(document),
                "url": f"https://source.example/{document.marks['url']}",
                "attributes": {"department": document.marks["attribute"]},
                "acl": AUDIENCES[number % len(AUDIENCES)][0],
            }
        )
    file = home / "canaries.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return file


def _write_folder(home: Path, documents: list[Marked]) -> dict[str, Json]:
    root = home / "folder"
    rules: list[dict[str, Json]] = []
    for folder, readers in FOLDERS.items():
        (root / folder).mkdir(parents=True)
        entries: list[Json] = [
            {"Name": f"{name}@example.com", "Type": "USER", "Access": "ALLOW"} for name in sorted(readers)
        ]
        if entries:
            rules.append({"keyPrefix": f"{folder}/", "aclEntries": entries})
    for document in documents:
        folder = next(name for name, readers in FOLDERS.items() if readers == document.readers)
        (root / folder / f"{document.marks['id']}.md").write_text(_text(document), encoding="utf-8")
    access = home / "access.json"
    access.write_text(json.dumps(rules), encoding="utf-8")
    return {"root": str(root), "access_file": str(access)}


def _sync(kind: str, name: str, config: dict[str, Json]) -> int:
    source_id = add_source(kind=kind, name=name, config=config, actor="test")
    for _ in range(2):  # the second run finds changes of permissions to show, or none
        assert execute_run(request_run(source_id=source_id, kind="incremental", actor="test"))
    assert Document.objects.filter(connection_id=source_id, version__gt=0).exists()
    return source_id


def _visitor(name: str, user: User) -> Visitor:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return Visitor(name, user, client, issue_key(user_id=user.pk, name="key", days=9, actor="test").text)


def _talk(name: str, user: User) -> str:
    """A conversation with answered turns, shared; returns the token of its link."""
    title = f"Pump {asked_by(name)}"
    conversation = Conversation.objects.create(user=user, title=title)
    if name in WITH_FILES:
        mark, viewer = file_mark(name), viewer_for(user)
        content = f"# Pump {mark}\n\nThe code of the pump is {mark}. The {mark} is red."
        assert added(viewer, f"{mark}.md", content, conversation.pk).state == "ready"
    for question in (*QUESTIONS, *(("Summarise this file",) if name in WITH_FILES else ())):
        turn = Turn.objects.create(
            conversation=conversation,
            question=f"{question} {asked_by(name)}",
            language="en",
            model="extractive",
            files="" if name not in WITH_FILES else "only" if "Summarise" in question else "joined",
        )
        assert run_turn(turn.pk), name
    share_conversation(viewer=viewer_for(user), conversation_id=conversation.pk)
    return str(conversation.share.token)
