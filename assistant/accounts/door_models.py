"""What the door keeps: who is signed in where, and how often somebody failed to."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone


def new_handle() -> str:
    """A random name of a session. It opens nothing: the key in the cookie is another one."""
    return secrets.token_urlsafe(12)


class SignedInSession(AbstractBaseSession):
    """A session of a browser, with what its person is told of it. The key is shown and logged nowhere."""

    handle = models.CharField(max_length=16, unique=True, default=new_handle)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="sessions"
    )
    started_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(default=timezone.now)  # written rarely: see `session_store`
    browser = models.CharField(max_length=20, blank=True)
    system = models.CharField(max_length=20, blank=True)
    address = models.CharField(max_length=45, blank=True)  # of the network, when the person signed in

    def __str__(self) -> str:
        return f"session {self.handle}"

    @classmethod
    def get_session_store_class(cls) -> type:
        """Where Django looks for the way to read one."""
        from assistant.accounts.session_store import SessionStore  # noqa: PLC0415 - it imports this module

        return SessionStore


class FailedTries(models.Model):
    """One counter of `throttle`. What it counts is kept as a keyed digest: it may be a name nobody has."""

    key = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=20)
    failures = models.FloatField(default=0)
    at = models.DateTimeField(db_index=True)
    told_at = models.DateTimeField(null=True)  # when the trail last heard that it was full

    def __str__(self) -> str:
        return f"{self.failures} failures of {self.kind}"
