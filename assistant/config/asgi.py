"""The ASGI application: how the web server speaks with Django."""

from __future__ import annotations

import os
from typing import cast

import django
from asgiref.typing import ASGI3Application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")
django.setup(set_prefix=False)

from assistant.config.bodies import BoundedBodies  # noqa: E402 - needs loaded apps
from assistant.config.handler import Handler  # noqa: E402 - the same

application = BoundedBodies(cast(ASGI3Application, Handler()))
