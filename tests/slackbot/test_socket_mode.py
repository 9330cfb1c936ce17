"""Socket Mode: one process holds the connection, which comes back, and nothing is heard twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, connection
from django.utils import timezone

from assistant.slackbot import bolt_app, jobs
from assistant.slackbot.models import Job, Workspace
from assistant.slackbot.socket_mode import Sockets
from tests.slackbot.connected import connected
from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.records import Installation, User
from tests.slackbot.simulator.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_apps() -> Iterator[None]:
    bolt_app.forget()
    yield
    bolt_app.forget()


@pytest.fixture
def installed(slack: Simulator) -> Installation:
    """An app in Socket Mode."""
    return slack.install(slack.app(socket_mode=True), slack.workspace())


@pytest.fixture
def workspace(slack: Simulator, installed: Installation, settings: LazySettings) -> Workspace:
    """Its row."""
    return connected(slack, installed, settings)


@pytest.fixture
def ann(slack: Simulator, installed: Installation) -> User:
    """Somebody who asks."""
    return slack.user(installed.workspace, "ann")


@pytest.fixture
def sockets(workspace: Workspace) -> Iterator[Sockets]:
    """The connections of this process."""
    made = Sockets(every_s=0.05)
    made.start()
    yield made
    made.stop()


def _until(holds: Callable[[], bool], within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.01)


def _asked(slack: Simulator, ann: User, installed: Installation, text: str) -> None:
    slack.ask(ann, installed.bot, text)
    slack.settle(20)


def test_a_message_becomes_a_job_and_is_acknowledged(
    slack: Simulator, sockets: Sockets, installed: Installation, ann: User
) -> None:
    _asked(slack, ann, installed, "얼마나 쉬나요?")
    assert jobs.payload_of(Job.objects.get())["text"] == "얼마나 쉬나요?"
    assert slack.events_sent("message")[0].acknowledged


def test_commands_and_clicks_come_the_same_way(
    slack: Simulator, sockets: Sockets, installed: Installation, ann: User
) -> None:
    general = slack.channel(installed.workspace, "general", [ann])
    assert slack.command(ann, general, "/ask", "how much payload?", app=installed.app).acknowledged
    assert jobs.payload_of(Job.objects.get())["text"] == "how much payload?"


def test_it_reconnects_when_slack_asks_for_it_and_when_the_line_breaks(
    slack: Simulator, sockets: Sockets, installed: Installation, ann: User
) -> None:
    slack.sockets.wait_for_connections(installed.app, 1, 10)
    for number, disturb in enumerate((slack.sockets.disconnect, slack.sockets.cut)):
        disturb(installed.app)
        _asked(slack, ann, installed, f"question {number}")
    assert Job.objects.count() == 2


def test_it_connects_again_where_slack_was_not_there_for_a_while(
    slack: Simulator, sockets: Sockets, installed: Installation, ann: User
) -> None:
    slack.sockets.wait_for_connections(installed.app, 1, 10)
    slack.fail("apps.connections.open", Trouble.SERVER_ERROR, times=3)
    slack.sockets.cut(installed.app)
    _until(lambda: slack.sockets.connections(installed.app) != [])
    _asked(slack, ann, installed, "still there?")
    assert Job.objects.count() == 1


def test_what_could_not_be_written_down_comes_again(
    slack: Simulator, sockets: Sockets, installed: Installation, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack.timing.acknowledge_within = 0.3
    real = jobs.take_in
    failed: list[int] = []

    def at_first_broken(*given: object, **named: object) -> object:
        if not failed:
            failed.append(1)
            slack.timing.acknowledge_within = 10.0  # of the next try, however busy the machine is
            raise DatabaseError("gone for a moment")
        return real(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "take_in", at_first_broken)
    _asked(slack, ann, installed, "once")
    assert len(slack.events_sent("message")[0].attempts) == 2
    assert Job.objects.count() == 1


def test_what_slack_sends_twice_is_one_job(
    slack: Simulator, sockets: Sockets, installed: Installation, ann: User
) -> None:
    _asked(slack, ann, installed, "once")
    slack.deliveries.again(slack.events_sent("message")[0])
    slack.settle()
    assert Job.objects.count() == 1


def test_of_two_processes_one_holds_the_connection_and_the_other_takes_over(
    slack: Simulator, sockets: Sockets, workspace: Workspace, installed: Installation, ann: User
) -> None:
    slack.sockets.wait_for_connections(installed.app, 1, 10)
    other = Sockets(owner="another process", every_s=0.05)
    other.start()
    try:
        time.sleep(0.5)  # it looked several times
        assert other.connected() == []
        assert len(slack.sockets.connections(installed.app)) == 1
        sockets.stop()
        _until(lambda: other.connected() == [workspace.pk])
        _asked(slack, ann, installed, "who hears me?")
        assert Job.objects.count() == 1
    finally:
        other.stop()
    assert Workspace.objects.get().socket_owner == ""


def test_who_lost_the_lease_lets_go(
    slack: Simulator, sockets: Sockets, workspace: Workspace, installed: Installation
) -> None:
    _until(lambda: sockets.connected() == [workspace.pk])
    Workspace.objects.update(
        socket_owner="another process", socket_lease_until=timezone.now() + timedelta(seconds=60)
    )
    _until(lambda: sockets.connected() == [])


@pytest.mark.parametrize("change", [{"is_open": False}, {"delivery": "http"}, {"failure": "token_revoked"}])
def test_a_workspace_that_is_closed_is_disconnected(
    slack: Simulator,
    sockets: Sockets,
    workspace: Workspace,
    installed: Installation,
    change: dict[str, object],
) -> None:
    _until(lambda: sockets.connected() == [workspace.pk])
    Workspace.objects.update(**change)
    _until(lambda: slack.sockets.connections(installed.app) == [])


def test_a_token_that_slack_refuses_marks_the_workspace(
    slack: Simulator, workspace: Workspace, settings: LazySettings
) -> None:
    slack.fail("apps.connections.open", Trouble.ERROR, error="invalid_auth")
    made = Sockets(every_s=0.05)
    made.start()
    try:
        _until(lambda: Workspace.objects.get().failure == "invalid_auth")
    finally:
        made.stop()


def test_no_address_elsewhere_is_connected_to(
    slack: Simulator, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assistant.slackbot.socket_mode import _Client  # noqa: PLC0415 - only here

    opened = []
    monkeypatch.setattr(_Client, "connect", lambda self: opened.append(self.issue_new_wss_url()))
    told: list[str] = []

    def elsewhere(*_: object, **__: object) -> dict[str, object]:
        told.append("wss://wss.slack.com.evil.example/link/?ticket=1")
        return {"ok": True, "url": told[-1]}

    monkeypatch.setattr("slack_sdk.WebClient.apps_connections_open", elsewhere)
    made = Sockets(every_s=0.05)
    made.start()
    try:
        _until(lambda: len(told) > 1)  # the first attempt is over by now
    finally:
        made.stop()
    assert opened == []


_HOLDER = """
import time
import django
django.setup()
from assistant.slackbot.socket_mode import Sockets
sockets = Sockets(every_s=0.05)
sockets.start()
while not sockets.connected():
    time.sleep(0.01)
print("holds it", flush=True)
time.sleep(600)
"""


def test_when_the_holder_is_killed_another_process_takes_over_after_its_lease(
    slack: Simulator, workspace: Workspace, installed: Installation, ann: User, settings: LazySettings
) -> None:
    database = connection.settings_dict
    name = database["NAME"]
    url = (
        f"sqlite:///{name}"
        if connection.vendor == "sqlite"
        else f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{name}"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER],
        env={
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
            "MUNDAP_SLACK_API_URL": slack.api_url,
            "MUNDAP_SECRET_KEY": settings.SECRET_KEY,
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(60, holder.kill)
    watchdog.start()
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holds it\n"
    finally:
        watchdog.cancel()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    made = Sockets(every_s=0.05)
    made.start()
    try:
        time.sleep(0.2)
        assert made.connected() == []  # the lease of the dead one holds
        Workspace.objects.update(socket_lease_until=timezone.now() - timedelta(seconds=1))
        _until(lambda: made.connected() == [workspace.pk])
        _asked(slack, ann, installed, "who hears me?")
        assert Job.objects.count() == 1
    finally:
        made.stop()
