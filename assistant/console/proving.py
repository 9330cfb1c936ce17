"""Sensitive actions of the console ask again who somebody is (`assistant/factors/asking_again.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.http import HttpResponse

from assistant.console.administrators import AdministratorRequest
from assistant.factors.asking_again import asks_again

P = ParamSpec("P")
Page = Callable[Concatenate[AdministratorRequest, P], HttpResponse]


def recently_proven(page: Page[P]) -> Page[P]:
    """The page; its POST only for who proved within half an hour who they are. Stands below `with_right`."""
    return asks_again("console/frame.html", lambda _: {})(page)
