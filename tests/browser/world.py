"""Fills an empty MUNDAP_HOME with a small world: people, documents, a topic. Run as a program.

ann@example.com   employee         ada@example.com   administrator
both with the password that `PASSWORD` says
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

PASSWORD = "correct horse battery staple"
WORLD = "world.jsonl"
FILLER = " ".join(f"Paragraph {n} of the annex describes the history of the rule." for n in range(60))

DOCUMENTS = [
    {
        "id": "travel-ko",
        "title": "출장경비 규정",
        "text": "출장경비 규정은 국내와 해외 출장에 적용합니다.\n\n국내 출장 일비는 하루 50,000원입니다. "
        "해외 출장 일비는 지역마다 다릅니다.\n\n출장 보고서는 5영업일 안에 제출합니다.",
        "url": "https://wiki.example/travel",
        "modified": "2026-04-01T09:00:00+09:00",
        "acl": {"allow": ["everyone"]},
    },
    {
        "id": "remote-en",
        "title": "Remote work guideline",
        "text": f"{FILLER}\n\nEmployees may work from home two days a week. "
        f"Core time is 10:30 to 16:00.\n\n{FILLER}",
        "url": "javascript:alert(1)",
        "modified": "2026-03-02T09:00:00+09:00",
        "acl": {"allow": ["everyone"]},
    },
    {
        "id": "pay",
        "title": "Salary bands",
        "text": "The salary band of a senior engineer is 82 to 96 million won.",
        "acl": {"allow": ["everyone"]},
    },
]


def fill(home: Path) -> None:
    """Make the database, the accounts, the topic and the synced source."""
    import django  # noqa: PLC0415 - the settings must be in the environment first

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from assistant.accounts.models import Role, User  # noqa: PLC0415
    from assistant.guardrails.services import install_rules  # noqa: PLC0415
    from assistant.sync.engine import execute_run  # noqa: PLC0415
    from assistant.sync.services import add_source, request_run  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    User.objects.create_user("ann@example.com", PASSWORD, name="Ann")
    User.objects.create_user("ada@example.com", PASSWORD, name="Ada", role=Role.ADMINISTRATOR)
    install_rules(
        [
            {
                "kind": "words",
                "name": "Pay",
                "action": "block",
                "stages": ["question", "passage", "answer"],
                "message": "Ask the HR desk: hr@example.com. 급여는 인사팀에 문의하세요.",
                "enabled": True,
                "settings": {"words": ["salary", "연봉"]},
            }
        ],
        actor="test",
    )
    file = home / WORLD
    lines = [json.dumps(document, ensure_ascii=False) for document in DOCUMENTS]
    file.write_text("\n".join(lines), encoding="utf-8")
    source_id = add_source(kind="jsonl", name="Handbook", config={"path": str(file)}, actor="test")
    run_id = request_run(source_id=source_id, kind="full", actor="test")
    assert execute_run(run_id)


if __name__ == "__main__":
    fill(Path(os.environ["MUNDAP_HOME"]))
    sys.exit(0)
