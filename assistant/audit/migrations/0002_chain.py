"""Every entry gets a code over its content, a number, and its link to the entry before it."""

from uuid import uuid4

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from assistant.audit.chain import BEGINNING, Entry, content_code, link_code, own_key, signed_head


def chain_what_is_there(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Entries of before are taken as they stand now: from here on a change of them is noticed."""
    rows = apps.get_model("audit", "AuditEvent").objects.using(schema_editor.connection.alias)
    key, number, digest = own_key(), 0, BEGINNING
    for row in rows.order_by("pk").iterator(1000):
        entry = Entry(uuid4().hex, row.at, row.event, row.actor_id, row.actor, "", "", row.data)
        mac, number, previous = content_code(entry, key), number + 1, digest
        digest = link_code(number, previous, mac, key)
        rows.filter(pk=row.pk).update(
            uid=entry.uid, mac=mac, number=number, previous=previous, digest=digest
        )
    head = signed_head(number, digest, key)
    heads = apps.get_model("audit", "AuditHead").objects.using(schema_editor.connection.alias)
    heads.create(pk=1, number=head.number, digest=head.digest, mac=head.mac)


class Migration(migrations.Migration):

    dependencies = [
        ("audit", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.BigIntegerField(default=0)),
                ("digest", models.CharField(max_length=64)),
                ("mac", models.CharField(max_length=64)),
            ],
        ),
        migrations.AddField("auditevent", "address", models.CharField(blank=True, default="", max_length=45)),
        migrations.AddField("auditevent", "via", models.CharField(blank=True, default="", max_length=20)),
        migrations.AddField("auditevent", "uid", models.CharField(editable=False, max_length=32, null=True)),
        migrations.AddField("auditevent", "mac", models.CharField(default="", editable=False, max_length=64), preserve_default=False),
        migrations.AddField("auditevent", "number", models.BigIntegerField(editable=False, null=True)),
        migrations.AddField("auditevent", "previous", models.CharField(blank=True, default="", editable=False, max_length=64)),
        migrations.AddField("auditevent", "digest", models.CharField(blank=True, default="", editable=False, max_length=64)),
        migrations.RunPython(chain_what_is_there, migrations.RunPython.noop),
    ]
