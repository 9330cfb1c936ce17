"""Which run asked whether a document may be deleted: an approval is of what was shown, and of nothing else."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column of documents."""

    dependencies: ClassVar = [("documents", "0003_document_acl_seen_in_run")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="document",
            name="asked_in_run",
            field=models.PositiveBigIntegerField(default=0),
        ),
    ]
