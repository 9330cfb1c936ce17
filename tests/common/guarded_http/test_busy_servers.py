"""When a busy server is asked again."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.common import guarded_http
from assistant.common.http_messages import Ask, Busy
from tests.common.guarded_http.clients import client
from tests.common.scripted_server import ScriptedServer, reply


def test_a_busy_server_is_asked_again_after_the_time_it_names(server: ScriptedServer) -> None:
    server.on("/", reply(429, retry_after="1"), reply(body=b"now"))
    begin = time.monotonic()
    with client() as http:
        assert http.get(server.url + "/").body == b"now"
    assert 0.99 <= time.monotonic() - begin < 3


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_server_that_is_busy_for_long_is_left_alone(server: ScriptedServer, form: str) -> None:
    later = datetime.now(UTC) + timedelta(seconds=300)
    server.on(
        "/", reply(503, retry_after="300" if form == "seconds" else format_datetime(later, usegmt=True))
    )
    with client() as http, pytest.raises(Busy) as busy:
        http.get(server.url + "/")
    assert 290 < busy.value.after <= 300
    assert len(server.seen) == 1


def test_a_date_years_ahead_is_a_wrong_clock_and_means_a_day_at_most(server: ScriptedServer) -> None:
    server.on("/", reply(429, retry_after="Fri, 31 Dec 2100 23:59:59 GMT"))
    with client() as http, pytest.raises(Busy) as busy:
        http.get(server.url + "/")
    assert busy.value.after == 86_400


@pytest.mark.parametrize(
    "said",
    ["", "soon", "-5", "1e3", "٣", "Mon, 01 Jan 2026 00:00:00 +9999999999", "Thu, 01 Jan 1970 00:00:00 GMT"],
)
def test_a_wait_that_is_not_understood_becomes_our_own(server: ScriptedServer, said: str) -> None:
    header = said.encode().decode("latin-1")
    server.on("/", reply(429, retry_after=header), reply(503, retry_after=header), reply(body=b"now"))
    with client() as http:
        assert http.get(server.url + "/").body == b"now"


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_wait_or_none(text: str) -> None:
    seconds = guarded_http._retry_after({"retry-after": text})
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_stays_busy_is_given_up(server: ScriptedServer, status: int) -> None:
    server.on("/", reply(status))
    with client() as http, pytest.raises(Busy, match=str(status)):
        http.get(server.url + "/")
    assert len(server.seen) == 4


@pytest.mark.parametrize(("status", "sent"), [(429, 4), (503, 4), (502, 1), (504, 1)])
def test_what_may_have_been_done_is_not_sent_again(server: ScriptedServer, status: int, sent: int) -> None:
    server.on("/", reply(status))
    with client() as http, pytest.raises(Busy):
        http.send(Ask("POST", server.url + "/", content=b"once"))
    assert len(server.seen) == sent


def test_while_one_thread_waits_as_asked_no_other_asks(server: ScriptedServer) -> None:
    server.on("/busy", reply(429, retry_after="1"), reply())
    server.on("/other", reply())
    moments: dict[str, float] = {}
    with client() as http:
        http.get(server.url + "/other")

        def other() -> None:
            http.get(server.url + "/other")
            moments["other"] = time.monotonic()

        waiting = threading.Thread(target=http.get, args=(server.url + "/busy",))
        begin = time.monotonic()
        waiting.start()
        while len(server.seen) < 2:
            time.sleep(0.005)
        time.sleep(0.05)
        second = threading.Thread(target=other)
        second.start()
        waiting.join()
        second.join()
    assert moments["other"] - begin >= 0.9
