"""The small world's people at their Slack, and our whole side of it in the thread of the test.

What Slack sends waits in a queue until the test's own thread answers it, so that everything asks the test's
database. Jobs are carried out when a test says so.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from unittest import mock

from django.test import Client
from django.utils import timezone

from assistant.chat.file_reading import read_file
from assistant.chat.runner import run_turn
from assistant.slackbot import bolt_app, directory, jobs
from assistant.slackbot.credentials import Credentials, sealed
from assistant.slackbot.manifest import EVENTS
from assistant.slackbot.models import Job, JobState, Policy, Workspace
from assistant.slackbot.runner import Runner
from tests.slackbot.simulator.records import (
    Acknowledgement,
    App,
    Channel,
    Installation,
    Message,
    SignedRequest,
    User,
)
from tests.slackbot.simulator.simulator import Simulator

Result = TypeVar("Result")


Requests = queue.Queue[tuple[SignedRequest, Future[Acknowledgement]]]


class InThisThread(Executor):
    """Runs what it is given at once."""

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """See `Executor.submit`."""
        done: Future[Result] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as an executor keeps it
            done.set_exception(error)
        return done


@dataclass
class Office:
    """A workspace whose people have the small world's addresses, and its row here."""

    slack: Simulator
    app: App
    installed: Installation
    row: Workspace
    users: dict[str, User]
    requests: Requests

    @property
    def bot(self) -> User:
        """We."""
        return self.installed.bot

    def channel(self, name: str, *names: str, private: bool = True) -> Channel:
        """A channel with the bot and these people in it."""
        members = [self.users[one] for one in names]
        return self.slack.channel(self.installed.workspace, name, [*members, self.bot], private=private)

    def do(self, act: Callable[[], Result]) -> Result:
        """Let somebody do something at Slack, and answer what Slack sends of it; then carry all of it out."""
        result = self.only(act)
        self.work()
        return result

    def only(self, act: Callable[[], Result]) -> Result:
        """The same, without carrying anything out."""
        found: list[Result] = []

        def acted() -> None:
            found.append(act())
            self.slack.settle()

        thread = threading.Thread(target=acted)
        thread.start()
        while thread.is_alive() or not self.requests.empty():
            try:
                request, answered = self.requests.get(timeout=0.005)
            except queue.Empty:
                continue
            answered.set_result(self._answered(request))
        thread.join()
        return found[0]

    def work(self) -> None:
        """Carry out what is due, in this thread."""
        runner = Runner(owner="office")
        while (job := jobs.claim("office")) is not None:
            runner._carried(job)  # what a thread of the runner does with it

    def work_again(self) -> None:
        """Carry out what was put off, without waiting for its time."""
        Job.objects.filter(state=JobState.PENDING).update(due_at=timezone.now())
        self.work()

    def asked(self, name: str, text: str, *, thread: Message | None = None) -> Message:
        """Somebody writes to us in a direct message; our answer as they see it."""
        user = self.users[name]
        said = self.do(lambda: self.slack.ask(user, self.bot, text, thread=thread))
        return self.last(name, said.channel)

    def mentioned(
        self, name: str, channel: Channel, text: str, *, thread: Message | None = None, **more: Any
    ) -> Message:
        """Somebody asks us in a channel."""
        words = f"{self.slack.mention(self.bot)} {text}"
        return self.do(lambda: self.slack.say(self.users[name], channel, words, thread=thread, **more))

    def last(self, name: str, channel: Channel) -> Message:
        """The newest message that somebody sees there."""
        return self.slack.what_sees(self.users[name], channel)[-1]

    def change(self, **values: object) -> None:
        """As a page of the console would."""
        Workspace.objects.filter(pk=self.row.pk).update(**values)
        self.row.refresh_from_db()

    def _answered(self, request: SignedRequest) -> Acknowledgement:
        headers = dict(request.headers)
        kind = headers.pop("Content-Type", "application/json")
        response = Client().generic(
            "POST", f"/slack/{self.row.handle}/", request.body, content_type=kind, headers=headers
        )
        told: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        return Acknowledgement(response.status_code, told, response.content)


@contextmanager
def open_office(slack: Simulator, *names: str, **more: object) -> Iterator[Office]:
    """An office in which addresses say who somebody is, and channels are answered for all."""
    team = slack.workspace("Acme")
    requests: Requests = queue.Queue()
    app = slack.app(request_url=partial(_waited_for, requests), events=EVENTS)
    installed = slack.install(app, team)
    users = {name: slack.user(team, name, locale="en-US") for name in names}
    row = Workspace.objects.create(
        handle="acme",
        team_id=team.id,
        app_id=app.id,
        bot_user_id=installed.bot.id,
        bot_id=installed.bot.bot_id or "",
        name="Acme",
        **{"trusts_addresses": True, "policy": Policy.MEMBERS, "address": "https://ask.example.com", **more},
    )
    row.sealed_secrets = sealed(Credentials(installed.token, app.signing_secret), row.pk)
    row.save()
    office = Office(slack, app, installed, row, users, requests)
    here = InThisThread()
    with (
        mock.patch.object(bolt_app, "_threads", return_value=here),
        mock.patch.object(bolt_app, "close_old_connections"),
        mock.patch("slack_bolt.adapter.django.handler.close_old_connections"),
        mock.patch("assistant.chat.services.ensure_running", run_turn),
        mock.patch("assistant.chat.file_reading.ensure_read", read_file),
    ):
        bolt_app.forget()
        directory.forget()
        yield office
        bolt_app.forget()


def _waited_for(requests: Requests, request: SignedRequest) -> Acknowledgement:
    """What the simulator calls, from threads of its own."""
    answered: Future[Acknowledgement] = Future()
    requests.put((request, answered))
    return answered.result(timeout=30)


def text_of(message: Message) -> str:
    """All that a message says, a line for each block."""
    return "\n".join("".join(_texts(block)) for block in message.blocks) or message.text


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        text = value.get("text")
        if isinstance(text, str):
            yield text
        for name, inner in value.items():
            if name != "text" or not isinstance(inner, str):
                yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
