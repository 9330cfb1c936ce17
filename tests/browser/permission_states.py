"""Fills an empty MUNDAP_HOME with one document for each state that the permission inspector knows. A program.

    MUNDAP_HOME=FOLDER python -m tests.browser.permission_states

Everybody has the password that `tests.browser.world.PASSWORD` says:

minseo@example.com   employee, in platform-team, which is in seoul-office, which is in all-staff
former@example.com   closed account          sora@example.com   security administrator
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

from assistant.common.types import Json
from tests.browser.world import PASSWORD

LONG = "long-" + "nested-department-" * 28  # 509 characters
HOSTILE = '<script>alert("1")</script> \u0645\u0631\u062d\u0628\u0627/exe.gnp'
CYRILLIC = "jiw\u043e\u043e@example.com"
RULES = 10_000

# For each state: who asks, and the id of the document. `screenshots` goes through them.
STATES = {
    "nested-group": ("minseo@example.com", "handbook/onboarding"),
    "denied": ("minseo@example.com", "finance/salary-review"),
    "too-old": ("minseo@example.com", "archive/plan-2019"),
    "closed": ("former@example.com", "handbook/onboarding"),
    "in-doubt": ("minseo@example.com", "handbook/broken-rules"),
    "gone": ("minseo@example.com", "drive/note-07"),
    "deny-in-doubt": ("minseo@example.com", "handbook/except-ghost"),
    "not-named": ("minseo@example.com", "board/minutes"),
    "no-list": ("minseo@example.com", "handbook/unlisted"),
    "huge": ("minseo@example.com", "handbook/ten-thousand"),
    "two-clauses": ("minseo@example.com", "handbook/space-and-page"),
    "hostile": ("sora@example.com", HOSTILE),
    "deep": ("minseo@example.com", "handbook/deep"),
}


def _document(external_id: str, acl: Json = None) -> dict[str, Json]:
    text = f"The text of {external_id} is about nothing in particular, and nobody minds."
    return {"id": external_id, "title": f"Title of {external_id}", "text": text} | (
        {} if acl is None else {"acl": acl}
    )


def _groups() -> list[dict[str, Json]]:
    levels: list[dict[str, Json]] = [
        {"group": f"level-{n}", "members": [f"group:level-{n - 1}"]} for n in range(1, 12)
    ]
    return [
        {"account": "acc-minseo-1", "email": "minseo@example.com"},
        {"account": "acc-sora-1", "email": "sora@example.com"},
        {"account": "acc-sora-2", "email": "sora@example.com"},
        {"group": "all-staff", "members": ["group:seoul-office", "group:busan-office"]},
        {"group": "seoul-office", "members": ["group:platform-team", "user:haneul@example.com"]},
        {"group": "busan-office", "members": ["user:jiwoo@example.com"]},
        {"group": "platform-team", "members": ["user:minseo@example.com"]},
        {"group": "contractors", "members": ["group:vendors"]},
        {"group": "vendors", "members": ["account:acc-minseo-1"]},
        {"group": "board", "members": ["user:chair@example.com"]},
        {"group": LONG, "members": ["user:minseo@example.com", "user:sora@example.com"]},
        {"group": HOSTILE, "members": [f"group:{LONG}"]},
        *levels,
        {"group": "level-0", "members": ["user:minseo@example.com"]},
        {"group": "circle-a", "members": ["group:circle-b"]},
        {"group": "circle-b", "members": ["group:circle-a"]},
    ]


def _handbook() -> list[dict[str, Json]]:
    many: list[Json] = [f"user:person-{n}@example.com" for n in range(RULES - 1)]
    many.insert(6_000, "group:platform-team")
    return [
        _document("handbook/onboarding", {"allow": ["group:all-staff", "user:partner@outside.example"]}),
        _document("finance/salary-review", {"deny": ["group:contractors"], "allow": ["group:all-staff"]}),
        _document("handbook/broken-rules", {"allow": ["group:all-staff"]}),
        _document("handbook/except-ghost", {"deny": ["group:ghost"], "allow": ["everyone"]}),
        _document("board/minutes", {"allow": ["group:board"]}),
        _document("handbook/unlisted"),
        _document("handbook/ten-thousand", {"allow": many}),
        _document(
            "handbook/space-and-page",
            {
                "all": [
                    {"entries": [["allow", "everyone"]]},
                    {
                        "entries": [
                            ["deny", "group:contractors", "2026-01-01T00:00:00+09:00"],
                            ["deny", "user:jiwoo@example.com"],
                            ["allow", "group:seoul-office", "2036-12-31T00:00:00+09:00"],
                        ]
                    },
                ]
            },
        ),
        _document(HOSTILE, {"allow": [f"group:{HOSTILE}"]}),
        _document("handbook/deep", {"allow": ["group:level-11"]}),
        _document("handbook/lookalike", {"allow": ["user:jiwoo@example.com", f"user:{CYRILLIC}"]}),
    ]


def fill(home: Path) -> None:
    """Make the database, the people, three sources, and runs that change permissions."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")
    import django  # noqa: PLC0415 - the settings must be in the environment first

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    _people()
    groups, documents = _groups(), _handbook()
    _sync(home, "Handbook", [*groups, *documents])
    groups[5]["members"] = ["user:jiwoo@example.com", "user:minseo@example.com"]
    documents[2]["acl"] = {"allow": ["nobody in particular"]}
    documents[4]["acl"] = {"allow": ["group:board", "user:haneul@example.com"]}
    documents[0]["acl"] = {
        "allow": ["group:all-staff", "user:partner@outside.example", "user:sora@example.com"]
    }
    documents[10]["acl"] = {"allow": [f"user:{CYRILLIC}"]}
    _sync(home, "Handbook", [*groups, *documents])
    _sync(home, "Archive", [_document("archive/plan-2019", {"allow": ["everyone"]})])
    notes = [_document(f"drive/note-{n:02}", {"allow": ["everyone"]}) for n in range(30)]
    _sync(home, "Shared drive", notes)
    _sync(home, "Shared drive", notes[20:])
    _age("Archive")


def _people() -> None:
    from assistant.accounts import people  # noqa: PLC0415
    from assistant.accounts.models import Role, User  # noqa: PLC0415

    names = {
        "minseo": "김민서",
        "haneul": "Haneul Park",
        "jiwoo": "이지우",
        "chair": "",
        "former": "Former Colleague",
        "hostile": 'Eve <b onclick="alert(1)"> \u202e\u0645\u0631\u062d\u0628\u0627',
    }
    made = {
        name: User.objects.create_user(f"{name}@example.com", PASSWORD, name=shown)
        for name, shown in names.items()
    }
    sora = User.objects.create_user(
        "sora@example.com", PASSWORD, name="Sora", role=Role.SECURITY_ADMINISTRATOR
    )
    people.add_alias(user_id=made["former"].pk, address="m.kim@example.com", actor="test")
    people.release_address(address="m.kim@example.com", actor="test")
    people.add_alias(user_id=made["minseo"].pk, address="m.kim@example.com", actor="test")
    people.add_alias(user_id=made["minseo"].pk, address="minseo.kim@example.com", actor="test")
    people.close_account(user_id=made["former"].pk, actor=sora.email)


def _sync(home: Path, name: str, lines: list[dict[str, Json]]) -> None:
    from assistant.sync.engine import execute_run  # noqa: PLC0415
    from assistant.sync.models import Source  # noqa: PLC0415
    from assistant.sync.services import add_source, request_run  # noqa: PLC0415

    file = home / f"{name}.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    known = Source.objects.filter(connection__name=name).first()
    source_id = (
        known.pk if known else add_source(kind="jsonl", name=name, config={"path": str(file)}, actor="test")
    )
    assert execute_run(request_run(source_id=source_id, kind="incremental", actor="test"))


def _age(name: str) -> None:
    """As if the source had not been reached for longer than its limit."""
    from django.db.models import F  # noqa: PLC0415

    from assistant.accounts.models import Connection  # noqa: PLC0415
    from assistant.documents.models import Document  # noqa: PLC0415

    for connection in Connection.objects.filter(name=name):
        past = timedelta(seconds=connection.max_age_s) + timedelta(days=2)
        for field in ("principals_confirmed_at", "permissions_confirmed_at"):
            at = getattr(connection, field)
            setattr(connection, field, at - past if at else None)
        connection.save()
        documents = Document.objects.filter(connection=connection)
        documents.update(acl_confirmed_at=F("acl_confirmed_at") - past)


if __name__ == "__main__":
    fill(Path(os.environ["MUNDAP_HOME"]))
    sys.exit(0)
