"""Topic blocks become rules of the draft, and version 1 holds the same: what was blocked stays blocked."""

from __future__ import annotations

import hashlib
import json

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


_GONE = "Topic"  # a model that the code knows no more


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line for each in text.splitlines() if (line := " ".join(each.split()))))


def publish_topics(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """A topic with words and examples becomes two rules: one of each kind."""
    topic_model = apps.get_model("guardrails", _GONE)
    draft = apps.get_model("guardrails", "DraftRule")
    version = apps.get_model("guardrails", "PolicyVersion")
    topics = list(topic_model.objects.order_by("name"))
    if not topics:
        return
    for topic in topics:
        common = {
            "name": " ".join(topic.name.split()),
            "action": "block",
            "groups": [],
            "message": topic.message.strip(),
            "enabled": topic.enabled,
            "updated_by": "migration",
        }
        if topic.description.strip() or _lines(topic.examples):
            settings = {
                "description": topic.description.strip(),
                "examples": _lines(topic.examples),
                "sources": [],
            }
            draft.objects.create(kind="topic", stages=["question", "answer"], settings=settings, **common)
        if _lines(topic.words):
            draft.objects.create(
                kind="words",
                stages=["question", "passage", "answer"],
                settings={"words": _lines(topic.words)},
                **common,
            )
    names = ("kind", "name", "action", "stages", "groups", "message", "enabled", "settings")
    rules = [
        {"id": row.pk, **{name: getattr(row, name) for name in names}}
        for row in sorted(draft.objects.all(), key=lambda row: (row.kind, row.name, row.pk))
    ]
    content = {"rules": rules}
    written = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    version.objects.create(
        number=1,
        content=content,
        checksum=hashlib.sha256(written.encode(errors="surrogatepass")).hexdigest(),
        comment="Topic blocks as they were before versions",
    )


class Migration(migrations.Migration):
    dependencies = [("guardrails", "0002_policy")]

    operations = [migrations.RunPython(publish_topics, migrations.RunPython.noop)]
