"""What is written down, and what is said when something ends unexpectedly, holds no secret and no link."""

from __future__ import annotations

import logging
import sys
import threading

import pytest
from django.test import RequestFactory
from django.urls import resolve

from assistant.common.known_secrets import MARK, remember
from assistant.config import logs

SECRET = "logged-canary-4711"
FORMATTER = logs.PlainFormatter("%(name)s %(message)s")


def line(message: str, *args: object, **extra: object) -> str:
    """As the log has it."""
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, message, args, None)
    record.__dict__.update(extra)
    return FORMATTER.format(record)


def test_a_secret_goes_from_messages_values_and_tracebacks() -> None:
    remember(SECRET)
    try:
        raise ValueError(SECRET)
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "", 0, "key %s", (SECRET,), sys.exc_info())
    written = FORMATTER.format(record)
    assert written.startswith(f"a key {MARK}\n    Traceback")
    assert written.endswith(f"ValueError: {MARK}")


def test_a_page_that_failed_is_named_by_its_route_and_an_unknown_one_without_long_words() -> None:
    path = "/s/Zm9vYmFyYmF6cXV4cXV1eA/"
    request = RequestFactory().get(path)
    request.resolver_match = resolve(path)
    assert line("%s: %s", "Gone", path, request=request) == "django.request Gone: /s/<slug:token>/"
    path = "/nowhere/Zm9vYmFyYmF6cXV4cXV1eA/x"
    request = RequestFactory().get(path)
    assert line("%s: %s", "Not Found", path, request=request) == "django.request Not Found: /nowhere/…/x"
    assert line("%s: %s", "Not Found", "else", request=request) == "django.request Not Found: else"
    assert line("no values", request=request) == "django.request no values"


def test_what_ends_a_program_or_a_thread_is_said_without_the_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    remember(SECRET)
    logs.install_hooks()
    try:
        raise RuntimeError(f"Bearer {SECRET}")
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
        threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, None)))
    said = capsys.readouterr().err
    assert said.count(f"RuntimeError: Bearer {MARK}") == 2
    assert SECRET not in said
