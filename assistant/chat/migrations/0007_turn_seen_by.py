"""Who else sees a turn: accounts that read along while it was asked."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds `Turn.seen_by`; of the turns that are there nobody else saw any."""

    dependencies: ClassVar = [("chat", "0006_files")]

    operations: ClassVar = [
        migrations.AddField(model_name="turn", name="seen_by", field=models.JSONField(default=list)),
    ]
