"""Which run asks about what was missing at an upgrade: its answer is about the documents that it has hidden."""

from __future__ import annotations

from typing import ClassVar

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def note_what_is_asked(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Questions that were open before documents noted which run asks about them go on with their run."""
    runs = apps.get_model("sync", "SyncRun").objects.filter(state="waiting_for_approval").order_by("-pk")
    documents = apps.get_model("documents", "Document").objects.filter(hidden="missing", asked_in_run=0)
    for run in runs:
        documents.filter(connection_id=run.source_id).update(asked_in_run=run.pk)


class Migration(migrations.Migration):
    """Data only."""

    dependencies: ClassVar = [
        ("sync", "0004_detail_parts"),
        ("documents", "0004_document_asked_in_run"),
    ]

    operations: ClassVar = [migrations.RunPython(note_what_is_asked, migrations.RunPython.noop)]
