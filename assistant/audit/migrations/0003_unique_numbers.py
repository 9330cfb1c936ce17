"""No number and no entry stands in the log twice."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("audit", "0002_chain"),
    ]

    operations = [
        migrations.AlterField("auditevent", "uid", models.CharField(editable=False, max_length=32, unique=True)),
        migrations.AlterField("auditevent", "number", models.BigIntegerField(editable=False, null=True, unique=True)),
    ]
