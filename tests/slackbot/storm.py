"""Kills the web process while questions come in from Slack, and counts the answers of each.

    python -m tests.slackbot.storm --events 1000 --seed 1

The real server against the simulator: it is killed (SIGKILL) and started again at random moments until all is
sent. Then fifty questions are asked at once, and more while these are answered: the acknowledgements of that
time are measured. Ends with 1 if a question was not acknowledged at all, if one has not exactly one message
with the whole answer, or if 5 of 100 acknowledgements of the calm time took 500 ms or longer.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random
from statistics import quantiles

if __name__ == "__main__":  # what follows needs loaded apps
    HOME = tempfile.TemporaryDirectory()
    os.environ |= {"MUNDAP_HOME": HOME.name, "DJANGO_SETTINGS_MODULE": "assistant.config.settings"}
    os.environ |= {"MUNDAP_LOG_LEVEL": "ERROR", "MUNDAP_DEMO": "0", "DATABASE_URL": ""}
    os.environ["DATABASE_URL"] = f"sqlite:///{HOME.name}/storm.sqlite3"
    import django

    django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from assistant.accounts.models import User as Account
from assistant.slackbot.models import Job, JobState, Post
from assistant.slackbot.posting import METADATA
from tests.conftest import new_small_world
from tests.slackbot.connected import connected
from tests.slackbot.office import text_of
from tests.slackbot.simulator.deliveries import Delivery, Timing
from tests.slackbot.simulator.records import App, Installation, User
from tests.slackbot.simulator.simulator import Simulator
from tests.unlimited import UNLIMITED

AT_ONCE, MORE, EVERY_S = 50, 100, 0.1
KILLED_AFTER_S = (0.5, 20.0)  # after it listens
MOST_P95_S = 0.5
QUESTION, ANSWER = "Where do visitors register?", "Visitors register at the front desk"
_UP_WITHIN_S, _OVER_WITHIN_S = 120.0, 1_800.0


class Server:
    """The web process, which can be killed."""

    def __init__(self, environment: dict[str, str], port: int, log: Path) -> None:
        self._environment, self._port, self._log = environment, port, log
        self._process: subprocess.Popen[bytes] | None = None
        self.kills = 0

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            program = [sys.executable, "-m", "assistant.config.serve"]
            self._process = subprocess.Popen(program, env=self._environment, stdout=log, stderr=log)
        end = time.monotonic() + _UP_WITHIN_S
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
            except OSError:
                assert self._process.poll() is None, self._log.read_text()[-2_000:]
                time.sleep(0.05)
            else:
                return
        raise TimeoutError("the server does not listen")

    def kill(self) -> None:
        """As the kernel does it when memory is short."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.kills += 1


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _people(slack: Simulator, installed: Installation, count: int) -> list[User]:
    for number in range(count):
        Account.objects.create_user(f"p{number}@example.com", "correct horse battery", name=f"P{number}")
    return [slack.user(installed.workspace, f"p{number}", locale="en-US") for number in range(count)]


def _ask(slack: Simulator, people: list[User], installed: Installation, number: int) -> None:
    slack.ask(people[number % len(people)], installed.bot, QUESTION)


def _wait_until_finished() -> None:
    end = time.monotonic() + _OVER_WITHIN_S
    open_states = (JobState.PENDING, JobState.RUNNING)
    while time.monotonic() < end and Job.objects.filter(state__in=open_states).exists():
        time.sleep(0.5)


def _cuts(seconds: list[float]) -> list[float]:
    return quantiles(seconds, n=100, method="inclusive")


def _spread(seconds: list[float]) -> str:
    cuts = _cuts(seconds)
    return f"p50 {cuts[49] * 1000:.0f} ms, p95 {cuts[94] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms"


def _first_tries(deliveries: list[Delivery]) -> list[float]:
    return [each.attempts[0].seconds for each in deliveries if each.attempts and not each.attempts[0].reason]


def _questions(slack: Simulator) -> list[Delivery]:
    """What people wrote; the app hears of its own messages and their edits as well."""
    found = []
    for each in slack.events_sent("message"):
        event = each.payload.get("event")
        if isinstance(event, dict) and not event.get("bot_id") and not event.get("subtype"):
            found.append(each)
    return found


def _answers(slack: Simulator, app: App, people: list[User], bot: User) -> Counter[str]:
    """How many messages at Slack show the whole answer of each post; one that shows less counts as none."""
    shown: Counter[str] = Counter()
    for person in people:
        for message in slack.posted_by(app, slack.direct(bot, person)):
            told = message.metadata or {}
            payload = told.get("event_payload")
            if told.get("event_type") == METADATA and isinstance(payload, dict) and not message.deleted:
                shown[str(payload.get("post"))] += text_of(message).count(ANSWER) == 1
                shown["messages"] += 1
    return shown


def _storm(slack: Simulator, server: Server, ask: list[int], asking: Asking, random: Random) -> None:
    """Send these, and kill the server now and then until all are sent."""
    sent = threading.Event()

    def send() -> None:
        for number in ask:
            asking(number)
            time.sleep(random.uniform(0.0, 2 * EVERY_S))
        sent.set()

    sender = threading.Thread(target=send, daemon=True)
    server.start()
    sender.start()
    while not sent.wait(random.uniform(*KILLED_AFTER_S)):
        server.kill()
        server.start()
    server.kill()  # while the last are answered
    server.start()
    slack.settle(_OVER_WITHIN_S)


class Asking:
    """Somebody of them asks question `number`, each after the other."""

    def __init__(self, slack: Simulator, people: list[User], installed: Installation) -> None:
        self._slack, self._people, self._installed = slack, people, installed

    def __call__(self, number: int) -> None:
        """Ask it."""
        _ask(self._slack, self._people, self._installed, number)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    logging.disable()
    home, random = Path(settings.MUNDAP_HOME), Random(given.seed)
    call_command("migrate", interactive=False, verbosity=0)
    new_small_world(home)
    port = _free_port()
    with Simulator(Timing(acknowledge_within=3.0, retry_after=(1.0, 30.0, 90.0))) as slack:
        app = slack.app(request_url=f"http://127.0.0.1:{port}/slack/h-storm/")
        installed = slack.install(app, slack.workspace())
        connected(slack, installed, settings, handle="h-storm", trusts_addresses=True)
        people = _people(slack, installed, given.people)
        asking = Asking(slack, people, installed)
        connections.close_all()
        environment = {
            **os.environ,
            **dict.fromkeys(UNLIMITED, "0"),
            "MUNDAP_PORT": str(port),
            "MUNDAP_SLACK_API_URL": slack.api_url,
        }
        server = Server(environment, port, home / "server.log")
        begun = time.monotonic()
        _storm(slack, server, list(range(given.events)), asking, random)
        _wait_until_finished()
        storm_s, stormy = time.monotonic() - begun, _questions(slack)
        begun = time.monotonic()
        for number in range(given.events, given.events + AT_ONCE):
            asking(number)
        for number in range(given.events + AT_ONCE, given.events + AT_ONCE + MORE):
            asking(number)
            time.sleep(EVERY_S)
        slack.settle(_OVER_WITHIN_S)
        unfinished = Job.objects.exclude(state__in=(JobState.DONE, JobState.FAILED)).count()
        _wait_until_finished()
        calm_s, calm = time.monotonic() - begun, _questions(slack)[len(stormy) :]
        server.kill()
        shown = _answers(slack, app, people, installed.bot)
        return _told(slack, server, (storm_s, calm_s), (stormy, calm), unfinished, shown)


def _told(  # noqa: PLR0917 - what was seen
    slack: Simulator,
    server: Server,
    took: tuple[float, float],
    sent: tuple[list[Delivery], list[Delivery]],
    unfinished: int,
    shown: Counter[str],
) -> int:
    stormy, calm = sent
    heard = sum(each.acknowledged for each in (*stormy, *calm))
    ends = Counter(Job.objects.filter(kind="question").values_list("state", "failure"))
    posts = {str(pk) for pk in Post.objects.filter(job__kind="question").values_list("pk", flat=True)}
    asked, messages = len(stormy) + len(calm), shown.pop("messages", 0)
    right = sum(shown[post] == 1 for post in posts)
    print(f"{len(stormy):,} questions in {took[0]:.0f} s, the server killed {server.kills - 1} times")
    print(f"{len(calm):,} more in {took[1]:.0f} s without kills")
    print(f"{unfinished} of all unanswered when the last was acknowledged")
    print(f"tries of each: {dict(sorted(Counter(len(each.attempts) for each in (*stormy, *calm)).items()))}")
    print(f"acknowledged: {heard:,}; jobs: {dict(ends)}; twice or more begun: {_begun_again()}")
    print(f"answered once and wholly: {right:,}; messages: {messages:,}")
    print(f"acknowledgement, first tries, while it was killed: {_spread(_first_tries(stormy))}")
    calm_s = [each.attempts[0].seconds for each in calm]  # all: nobody was killed
    print(f"acknowledgement while fifty and more were answered: {_spread(calm_s)}")
    print(f"refused by Slack: {Counter(map(str, slack.faults)).most_common(5)}")
    is_soon = _cuts(calm_s)[94] < MOST_P95_S
    return int(not (asked == heard == right == messages == len(posts) and is_soon))


def _begun_again() -> int:
    return Job.objects.filter(kind="question", attempts__gt=1).count()


if __name__ == "__main__":
    sys.exit(main())
