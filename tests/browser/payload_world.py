"""Plants payloads in everything that is stored, by the ways in which they would come. Run as a program.

Reads `MUNDAP_HOME/payloads.json` (sink: payloads) over the small world of the browser tests, and writes
`MUNDAP_HOME/pages.json`: for each visitor the paths of the pages that show what was planted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.common.types import Json

if TYPE_CHECKING:
    from assistant.sync.models import Source

PLANTED, PAGES = "payloads.json", "pages.json"
# Sinks, with the characters that each has room for and whether it takes control and direction characters.
STORED: dict[str, tuple[int, bool]] = {
    "title of a document": (300, True),
    "id of a document": (300, False),
    "address of a document": (300, False),
    "heading of a document": (120, False),
    "text of a document": (1_000, True),
    "id of a document that fails": (300, False),
    "reason why a document fails": (200, False),
    "name of a file in a folder": (180, False),
    "id of a group": (300, False),
    "id of an account": (300, False),
    "name of a source": (118, False),
    "name of a person": (118, False),
    "other address of a person": (150, False),
    "title of a conversation": (118, True),
    "question": (1_000, True),
    "sentence of an answer": (1_000, True),
    "name of an uploaded file": (110, True),
    "text of an uploaded file": (1_000, True),
    "name of a language model": (78, True),
    "purpose of a language model": (198, True),
    "server's name of a language model": (198, True),
    "name of a model of the search": (78, True),
    "name of a guardrail": (78, False),
    "message of a guardrail": (300, True),
    "words of a guardrail": (180, False),
    "description of a topic": (300, True),
    "comment of a version": (280, True),
    "case of the test bench": (300, True),
    "note of the test bench": (280, True),
    "instructions of the company": (400, True),
    "instructions of a person": (400, True),
    "who acted, in the audit log": (240, True),
    "why a run failed": (300, True),
    "current item of a run": (198, True),
}
# One row holds what these say, so the last one stands.
ALONE = frozenset({"instructions of the company", "instructions of a person"})


def plant(home: Path) -> None:
    """Plant everything, and write down where it shows."""
    import django  # noqa: PLC0415 - the settings must be in the environment first

    django.setup()
    given: dict[str, list[str]] = json.loads((home / PLANTED).read_text(encoding="utf-8"))
    _documents(home, given)
    _folder(home, given["name of a file in a folder"])
    _people(given)
    _conversations(given)
    _catalogue(given)
    _guardrails(given)
    _log(given)
    _runs(given)
    (home / PAGES).write_text(json.dumps(_pages()), encoding="utf-8")


def address_of(payload: str) -> str:
    """An address with the payload in it, without the characters for which a connector drops an address."""
    shown = "".join(character for character in "+".join(payload.split()) if character.isprintable())
    return f"https://wiki.example/{shown}"


def _documents(home: Path, given: dict[str, list[str]]) -> None:
    lines: list[dict[str, Json]] = []
    groups, accounts = given["id of a group"], given["id of an account"]
    lines += [{"group": one, "members": ["user:ann@example.com"]} for one in groups]
    lines += [{"account": one, "email": "ann@example.com"} for one in accounts[:1]]
    lines += [{"account": one} for one in accounts[1:]]
    columns = (
        "title of a document",
        "id of a document",
        "address of a document",
        "heading of a document",
        "text of a document",
    )
    for number in range(max(len(given[name]) for name in (*columns, "id of a group", "id of an account"))):
        title, name, url, heading, text = (_at(given[column], number) for column in columns)
        allowed: list[Json] = ["everyone"]
        allowed += [f"group:{groups[number]}"] if number < len(groups) else []
        allowed += [f"account:{accounts[number]}"] if number < len(accounts) else []
        lines.append(
            {
                "id": name or f"planted-{number}",
                "title": title,
                "text": f"# {heading}\n\nThe rule says {text} and no more.\n\n## Annex\n\n{heading}",
                "url": address_of(url),
                "acl": {"allow": allowed},
            }
        )
    file = home / "planted.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    names = given["name of a source"]
    _sync("jsonl", names[0], {"path": str(file)})
    failing, reasons = given["id of a document that fails"], given["reason why a document fails"]
    for number in range(max(len(names) - 1, len(failing), len(reasons))):
        # A source of its own each: a page shows the first few failures.
        small: list[dict[str, Json]] = [
            {"id": "a", "title": "a", "text": "a rule", "acl": {"allow": ["everyone"]}}
        ]
        small += [
            {"id": one, "text": "", "acl": {"allow": ["everyone"]}} for one in failing[number : number + 1]
        ]
        small += [{"id": "r", "text": "x", f"permissions {one}": 1} for one in reasons[number : number + 1]]
        file = home / f"small-{number}.jsonl"
        file.write_text("\n".join(json.dumps(line) for line in small), encoding="utf-8")
        _sync("jsonl", _at(names, number + 1) or f"Small {number}", {"path": str(file)})


def _folder(home: Path, names: list[str]) -> None:
    root = home / "planted-folder"
    root.mkdir()
    for name in names:
        plain = name.replace("/", "\N{DIVISION SLASH}")
        (root / f"{plain}.md").write_text("# Rule\n\nA rule.", encoding="utf-8")
    _sync("filesystem", "Folder", {"root": str(root), "audience": "everyone"})


def _people(given: dict[str, list[str]]) -> None:
    from assistant.accounts.models import User  # noqa: PLC0415 - as in `plant`
    from assistant.accounts.people import add_alias  # noqa: PLC0415

    aliases = iter(given["other address of a person"])
    for number, name in enumerate(given["name of a person"]):
        user = User.objects.create_user(f"p{number}@example.com", None, name=name)
        for alias in _few(aliases, 1):
            add_alias(
                user_id=user.pk,
                address="".join(alias.split()).replace("@", "") + "@example.com",
                actor="test",
            )
    User.objects.filter(email="ann@example.com").update(name=given["name of a person"][0])


def _conversations(given: dict[str, list[str]]) -> None:
    from assistant.access.viewer import viewer_for  # noqa: PLC0415 - as in `plant`
    from assistant.accounts.models import User  # noqa: PLC0415
    from assistant.chat.models import Conversation, StoredEvent, Turn, TurnState  # noqa: PLC0415
    from assistant.chat.sharing import share_conversation  # noqa: PLC0415
    from tests.chat.files import added  # noqa: PLC0415

    ann = User.objects.get(email="ann@example.com")
    viewer = viewer_for(ann)
    names, texts = given["name of an uploaded file"], given["text of an uploaded file"]
    for number in range(max(len(given["title of a conversation"]), len(names), len(texts))):
        title = _at(given["title of a conversation"], number) or "Files"
        conversation = Conversation.objects.create(user=ann, title=title)
        turn = Turn.objects.create(
            conversation=conversation,
            question=_at(given["question"], number) or "What is the rule?",
            language="en",
            model="extractive",
            state=TurnState.DONE,
        )
        said = _at(given["sentence of an answer"], number) or "Nothing."
        StoredEvent.objects.create(
            turn=turn, seq=1, kind="token", payload={"text": said, "citations": [], "quoted": False}
        )
        StoredEvent.objects.create(turn=turn, seq=2, kind="done", payload={})
        content = f"# File\n\nThe file says {_at(texts, number) or 'little'} and no more."
        # What stands before a slash is taken for folders.
        name = _at(names, number).replace("/", "∕").replace("\\", "∕") or "plain"
        added(viewer, f"{name}.md", content, conversation.pk)
        share_conversation(viewer=viewer, conversation_id=conversation.pk)


def _catalogue(given: dict[str, list[str]]) -> None:
    from assistant.catalogue.models import LanguageModel  # noqa: PLC0415 - as in `plant`
    from assistant.documents.models import SearchModel  # noqa: PLC0415

    columns = ("name of a language model", "purpose of a language model", "server's name of a language model")
    for number in range(max(len(given[column]) for column in columns)):
        name, purpose, there = (_at(given[column], number) for column in columns)
        LanguageModel.objects.create(
            name=name or f"Model {number}",
            purpose=purpose,
            kind="openai-compatible",
            address="https://llm.example/v1",
            server_model=there or "writer",
            for_everyone=True,
        )
    for name, job in zip(
        given["name of a model of the search"], cycle(("reranker", "embedder")), strict=False
    ):
        SearchModel.objects.create(
            job=job,
            kind="openai-compatible" if job == "embedder" else "rerank-server",
            name=name,
            address="https://llm.example/v1",
            model="m",
        )


def _guardrails(given: dict[str, list[str]]) -> None:
    from assistant.accounts.models import User  # noqa: PLC0415 - as in `plant`
    from assistant.guardrails.models import BenchCase, DraftRule, PolicyVersion  # noqa: PLC0415
    from assistant.guardrails.services import install_rules  # noqa: PLC0415

    ada = User.objects.get(email="ada@example.com")
    names, messages = given["name of a guardrail"], given["message of a guardrail"]
    words, topics = given["words of a guardrail"], given["description of a topic"]
    for number in range(max(map(len, (names, messages, words, topics)))):
        rule: dict[str, Json] = {
            "kind": "words",
            "name": _at(names, number) or f"Rule {number}",
            "action": "block",
            "stages": ["question"],
            "message": _at(messages, number),
            "enabled": True,
            "settings": {"words": [_at(words, number) or f"unlikely{number}"]},
        }
        install_rules([rule], actor=ada.email)
        if number < len(topics):
            DraftRule.objects.create(
                kind="topic",
                name=f"Topic {number}",
                action="block",
                stages=["question"],
                settings={"description": topics[number], "examples": [topics[number]], "sources": []},
            )
    versions = list(PolicyVersion.objects.order_by("number"))
    for version, comment in zip(versions, given["comment of a version"], strict=False):
        PolicyVersion.objects.filter(pk=version.pk).update(comment=comment)
    cases, notes = given["case of the test bench"], given["note of the test bench"]
    for number in range(max(len(cases), len(notes))):
        text = _at(cases, number) or f"case {number}"
        BenchCase.objects.create(
            text=text,
            stage="question",
            expected="pass",
            language="en",
            note=_at(notes, number),
            created_by="x",
        )


def _log(given: dict[str, list[str]]) -> None:
    from assistant.accounts.models import User  # noqa: PLC0415 - as in `plant`
    from assistant.audit.trail import Event, record  # noqa: PLC0415
    from assistant.chat.models import AnswerPolicy, PersonalStyle  # noqa: PLC0415

    ann = User.objects.get(email="ann@example.com")
    for who in given["who acted, in the audit log"]:
        record(Event.SIGN_IN_FAILED, actor=who, person=who)
    for text in given["instructions of the company"][:1]:
        AnswerPolicy.objects.update_or_create(pk=1, defaults={"instructions": text, "drafts": True})
    for text in given["instructions of a person"][:1]:
        PersonalStyle.objects.update_or_create(user=ann, defaults={"instructions": text})


def _runs(given: dict[str, list[str]]) -> None:
    from django.utils import timezone  # noqa: PLC0415 - as in `plant`

    from assistant.sync.models import RunState, SyncRun  # noqa: PLC0415

    details, items = given["why a run failed"], given["current item of a run"]
    now = timezone.now()
    # A source of its own each: its page tells of the run that is open, or of the last one.
    for number, detail in enumerate(details):
        SyncRun.objects.create(
            source=_empty_source(f"Failed {number}"),
            kind="full",
            state=RunState.FAILED,
            code="unreachable",
            detail=detail,
            finished_at=now,
        )
    for number, item in enumerate(items):
        SyncRun.objects.create(
            source=_empty_source(f"Running {number}"),
            kind="full",
            state=RunState.RUNNING,
            current_item=item,
            started_at=now,
            owner="x",
            lease_until=now + timedelta(days=1),
        )


def _empty_source(name: str) -> Source:
    from assistant.sync.models import Source  # noqa: PLC0415 - as in `plant`

    return Source.objects.get(connection_id=_source("jsonl", name, {"path": "/nowhere"}))


def _pages() -> dict[str, list[str]]:
    from assistant.accounts.models import User  # noqa: PLC0415 - as in `plant`
    from assistant.catalogue.models import LanguageModel  # noqa: PLC0415
    from assistant.chat.models import Conversation, Share  # noqa: PLC0415
    from assistant.documents.models import Document, SearchModel  # noqa: PLC0415
    from assistant.guardrails.models import DraftRule, PolicyVersion  # noqa: PLC0415
    from assistant.sync.models import Source, SyncRun  # noqa: PLC0415

    documents = list(Document.every.filter(owner=None, version__gt=0).values_list("pk", flat=True))
    private = list(Document.every.exclude(owner=None).values_list("pk", flat=True))
    conversations = list(Conversation.objects.values_list("pk", flat=True))
    tokens = list(Share.objects.values_list("token", flat=True))
    people = list(User.objects.values_list("pk", flat=True))
    sources = list(Source.objects.values_list("connection_id", flat=True))
    runs = list(SyncRun.objects.values_list("source__connection_id", "pk"))
    models = list(LanguageModel.objects.values_list("pk", flat=True))
    search = list(SearchModel.objects.values_list("pk", flat=True))
    rules = list(DraftRule.objects.values_list("pk", flat=True))
    versions = list(PolicyVersion.objects.values_list("number", flat=True))
    ann = [
        "/",
        "/style/",
        "/sessions/",
        *(f"/documents/{one}/" for one in (*documents, *private)),
        *(f"/c/{one}/{what}" for one in conversations for what in ("",)),
        *(f"/c/{one}/share/" for one in conversations[::4]),
        *(f"/c/{one}/{what}/" for one in conversations[:2] for what in ("export", "delete")),
        *(f"/c/{one}/export/?format=html" for one in conversations[::2]),
        *(f"/c/{one}/export/?format={kind}" for one in conversations[::5] for kind in ("md", "json")),
        *(f"/s/{token}/" for token in tokens[::2]),
    ]
    ada = [
        *(
            f"/console/{name}/"
            for name in ("permissions", "guardrails", "guardrails/history", "guardrails/publish")
        ),
        *(
            f"/console/{name}/"
            for name in ("guardrails/bench", "ranking", "answers", "models", "models/usage", "people")
        ),
        *("/console/", "/console/sources/new/", "/console/models/new/"),
        *(f"/console/people/?page={page}" for page in range(2, 2 + len(people) // 25)),
        *(f"/console/sources/{one}/{what}" for one in sources for what in ("",)),
        *(f"/console/sources/{one}/settings/" for one in sources[::4]),
        *(f"/console/sources/{one}/{what}" for one in sources[:3] for what in ("connection/",)),
        *(f"/console/sources/{one}/runs/{run}/changes/" for one, run in runs[:5]),
        *(f"/console/permissions/documents/{one}/" for one in documents[::3]),
        *(f"/console/permissions/?document={one}&person={people[0]}" for one in documents),
        *(f"/console/people/{one}/" for one in people),
        *(f"/console/permissions/people/{one}/" for one in people[::3]),
        *(f"/console/models/{one}/" for one in models),
        *(f"/console/models/search/{one}/" for one in search),
        *(f"/console/guardrails/rules/{one}/" for one in rules),
        *(f"/console/guardrails/history/{one}/" for one in versions),
        *(f"/s/{token}/" for token in tokens[::5]),
    ]
    audit = ["/console/audit/?event=sign_in_failed", "/console/audit/?event=source_added", "/console/audit/"]
    return {"ann@example.com": ann, "ada@example.com": ada + audit}


def _sync(kind: str, name: str, config: dict[str, Json]) -> None:
    from assistant.sync.engine import execute_run  # noqa: PLC0415 - as in `plant`
    from assistant.sync.services import request_run  # noqa: PLC0415

    source_id = _source(kind, name, config)
    assert execute_run(request_run(source_id=source_id, kind="full", actor="test"))


def _source(kind: str, name: str, config: dict[str, Json]) -> int:
    from assistant.sync.services import add_source  # noqa: PLC0415 - as in `plant`

    return add_source(kind=kind, name=name, config=config, actor="test")


def _at(texts: list[str], number: int) -> str:
    return texts[number] if number < len(texts) else ""


def _few(texts: Iterator[str], count: int) -> list[str]:
    return [text for _, text in zip(range(count), texts, strict=False)]


if __name__ == "__main__":
    plant(Path(os.environ["MUNDAP_HOME"]))
    sys.exit(0)
