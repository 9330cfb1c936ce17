"""Whose private document it is, and the vectors of private documents, which go with them."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """A column of documents, and a table."""

    dependencies: ClassVar = [
        ('accounts', '0003_push_key'),
        ('documents', '0005_search_model'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name='PrivateVectors',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('model', models.CharField(max_length=200)),
                ('vectors', models.BinaryField()),
            ],
        ),
        migrations.AddField(
            model_name='document',
            name='owner',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='private_documents', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='document',
            constraint=models.CheckConstraint(condition=models.Q(('owner', None), models.Q(('acl', None), ('revision', 0)), _connector='OR'), name='document_private_is_listed_nowhere'),
        ),
        migrations.AddField(
            model_name='privatevectors',
            name='document',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='private_vectors', to='documents.document'),
        ),
        migrations.AddConstraint(
            model_name='privatevectors',
            constraint=models.UniqueConstraint(fields=('document', 'model'), name='private_vectors_once'),
        ),
    ]
