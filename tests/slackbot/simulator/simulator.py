"""A Slack for tests: real HTTP and WebSockets on 127.0.0.1, for the real slack_sdk and slack_bolt.

    with Simulator() as slack:
        acme = slack.workspace("Acme")
        ann = slack.user(acme, "ann")
        app = slack.app(request_url="http://127.0.0.1:8000/slack/events")
        installed = slack.install(app, acme)
        slack.ask(ann, installed.bot, "How many days off do I have?")
        slack.settle()
        assert slack.what_sees(ann, slack.direct(installed.bot, ann))[-1].text == "Twenty-five."
        assert not slack.faults

The product's `WebClient` takes `base_url=slack.api_url` and `installed.token`.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType

from tests.slackbot.simulator.deliveries import EVENT, VERIFICATION, Delivery, Timing
from tests.slackbot.simulator.gestures import Gestures
from tests.slackbot.simulator.reading import fields, parsed
from tests.slackbot.simulator.records import App, Object
from tests.slackbot.simulator.server import Server
from tests.slackbot.simulator.web_api import WebApi


class Simulator(Gestures):
    """The whole Slack. Building it starts its server; leaving the `with` block ends every thread."""

    def __init__(self, timing: Timing | None = None) -> None:
        super().__init__(timing)
        self.closing = threading.Event()
        self.api = WebApi(self.state, self.events, self.rate_limits)
        self._server = Server(self)

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self.closing.set()
        self.deliveries.close()
        self.sockets.close()
        self._server.close()

    @property
    def address(self) -> str:
        return self._server.address

    @property
    def api_url(self) -> str:
        """The `base_url` of a WebClient."""
        return f"{self.address}/api/"

    def verify(self, app: App) -> bool:
        """Asks the request URL for its challenge, as Slack does when the address is saved."""
        challenge = self.state.new_id("").lower()
        payload: Object = {
            "token": "verification-token-not-used",
            "challenge": challenge,
            "type": "url_verification",
        }
        delivery = self.deliveries.send(app, VERIFICATION, "url_verification", payload)
        delivery.over.wait(self.timing.acknowledge_within + 5)
        if not delivery.acknowledged or delivery.answer is None:
            return False
        said = fields(parsed(delivery.answer.body)).get("challenge")
        return said == challenge or delivery.answer.body.decode("utf-8", "replace").strip() == challenge

    def settle(self, timeout: float = 10.0) -> None:
        """Waits until everything that was sent is acknowledged or given up, and what that set off too."""
        self.deliveries.settle(timeout)

    def wait_until_called(self, method: str, count: int = 1, timeout: float = 10.0) -> None:
        """Waits until a method was called without error `count` times in all. Raises `TimeoutError`."""
        until = time.monotonic() + timeout
        while sum(each.method == method and not each.error for each in self.calls) < count:
            if time.monotonic() > until:
                seen = ", ".join(f"{each.method} {each.error}".strip() for each in self.calls[-10:])
                raise TimeoutError(f"{method} was not called {count} times within {timeout} s; last: {seen}")
            time.sleep(0.01)

    def events_sent(self, name: str = "") -> list[Delivery]:
        """The events that were sent, oldest first; `name` chooses a type."""
        return [each for each in list(self.deliveries.all) if each.kind == EVENT and name in ("", each.name)]

    def _base(self) -> str:
        return self.address

    def _event(self, app: App, name: str, payload: Object) -> None:
        self.deliveries.send(app, EVENT, name, payload)
