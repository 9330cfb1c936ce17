"""A line of the logs says its moment in UTC, and nothing from outside forges one."""

from __future__ import annotations

import io
import logging
import re
import time
from typing import cast

import pytest
from django.conf import settings
from django.utils.module_loading import import_string
from hypothesis import given
from hypothesis import strategies as st

from assistant.config.log_lines import LogLine

PLAIN = cast(dict[str, dict[str, dict[str, str]]], settings.LOGGING)["formatters"]["plain"]


def written(message: str, *values: object, error: Exception | None = None) -> str:
    """What the formatter of the settings makes of this."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LogLine(PLAIN["format"]))
    info = (type(error), error, error.__traceback__) if error else None
    handler.emit(logging.LogRecord("mundap.test", logging.ERROR, "", 0, message, values, info))
    return stream.getvalue()


def test_the_settings_use_it() -> None:
    assert issubclass(import_string(settings.LOGGING["formatters"]["plain"]["()"]), LogLine)


def test_a_line_begins_with_its_moment_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Seoul")
    time.tzset()
    before = time.strftime("%Y-%m-%dT%H", time.gmtime())
    line = written("started")
    monkeypatch.undo()
    time.tzset()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ERROR mundap\.test started\n", line)
    assert line[:13] in (before, time.strftime("%Y-%m-%dT%H", time.gmtime()))


@given(st.text())
def test_whatever_is_put_into_a_message_it_is_one_line(text: str) -> None:
    line = written("file %s", text)
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1


def test_words_stay_readable_and_control_characters_are_written_out() -> None:
    assert written("%s", "휴가 규정\n2026 ERROR forged\x1b[2J").endswith(
        r" 휴가 규정\n2026 ERROR forged\x1b[2J" + "\n"
    )


@given(st.text())
def test_the_words_of_an_error_begin_no_line(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError as error:
        first, *rest = written("failed", error=error).splitlines()
    assert first.endswith("failed")
    assert rest
    assert all(line.startswith("    ") for line in rest)
