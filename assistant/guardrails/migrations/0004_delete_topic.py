from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("guardrails", "0003_topics_become_version_1")]

    operations = [migrations.DeleteModel(name="Topic")]
