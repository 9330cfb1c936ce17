"""Keys have scopes and know when they were last used. Keys of before keep what they may do."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# As they stood when keys had none: everything that a key could do.
_EVERYTHING = "ask documents permissions search"


def _keep(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("accounts", "ApiKey").objects.update(scopes=_EVERYTHING)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_erased_addresses")]

    operations = [
        migrations.AddField("apikey", "scopes", models.CharField(max_length=200, blank=True, default="")),
        migrations.AddField("apikey", "last_used_at", models.DateTimeField(null=True)),
        migrations.RunPython(_keep, migrations.RunPython.noop),
    ]
