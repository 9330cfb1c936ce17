"""The application that the ASGI server runs."""

from __future__ import annotations

import os
from typing import cast

from asgiref.typing import ASGI3Application
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")

_pages = cast(ASGI3Application, get_asgi_application())

from assistant.config.bodies import BoundedBodies  # noqa: E402 - needs loaded apps

application = BoundedBodies(_pages)
