"""Files of conversations, and what part they have in a turn."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """A table, and a column of turns."""

    dependencies: ClassVar = [
        ('chat', '0005_turn_modes_and_answer_styles'),
        ('documents', '0006_private_documents'),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name='ChatFile',
            fields=[
                ('document', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='chat_file', serialize=False, to='documents.document')),
                ('name', models.CharField(max_length=200)),
                ('media_type', models.CharField(blank=True, max_length=120)),
                ('size', models.PositiveBigIntegerField()),
                ('kept_as', models.CharField(max_length=40, unique=True)),
                ('state', models.CharField(choices=[('reading', 'being read'), ('ready', 'ready'), ('failed', 'cannot be used')], default='reading', max_length=10)),
                ('failure', models.CharField(blank=True, max_length=40)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'ordering': ['document_id'],
            },
        ),
        migrations.AddField(
            model_name='turn',
            name='files',
            field=models.CharField(blank=True, choices=[('', 'none'), ('joined', 'files and company documents'), ('only', 'files only')], default='', max_length=10),
        ),
        migrations.AddConstraint(
            model_name='turn',
            constraint=models.CheckConstraint(condition=models.Q(('files__in', ['', 'joined', 'only'])), name='turn_files_known'),
        ),
        migrations.AddField(
            model_name='chatfile',
            name='conversation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='chat.conversation'),
        ),
        migrations.AddConstraint(
            model_name='chatfile',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['reading', 'ready', 'failed'])), name='chat_file_state_known'),
        ),
    ]
