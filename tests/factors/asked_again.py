"""Forms that somebody sends long after they signed in, and the word of what waits meanwhile."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Protocol

from django.test import Client
from django.utils import timezone


class Page(Protocol):
    """An answer of the test client."""

    @property
    def status_code(self) -> int: ...

    @property
    def content(self) -> bytes: ...


_WORD = re.compile(r'<input type="hidden"\s+name="proving_form"\s+value="([^"]*)"')


def waiting_in(answer: Page) -> str:
    """The word on the page that asks; every form of the page carries the same one."""
    words = set(_WORD.findall(answer.content.decode()))
    assert len(words) == 1, words
    return str(words.pop())


def proved_long_ago(client: Client) -> None:
    """As if they had signed in an hour ago."""
    session = client.session
    session["proven"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
