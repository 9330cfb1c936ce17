"""The application that the ASGI server runs."""

from __future__ import annotations

import os

import django

from assistant.config.handler import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")
django.setup(set_prefix=False)

application = Handler()
