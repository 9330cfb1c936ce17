"""Socket Mode: an app's open connections, envelopes and their acknowledgements.

https://docs.slack.dev/apis/events-api/using-socket-mode: ten connections at most; each envelope goes to
one of them and is acknowledged by its `envelope_id` within three seconds, with a payload where
`accepts_response_payload` is true; `disconnect` comes before Slack ends a connection.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from io import BufferedIOBase
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.deliveries import COMMAND, EVENT, INTERACTION, TIMEOUT, Delivery, NoAnswer
from tests.slackbot.simulator.frames import Broken, Opcode, frame, read_message
from tests.slackbot.simulator.reading import parsed, text
from tests.slackbot.simulator.records import Acknowledgement, App, Object
from tests.slackbot.simulator.state import State

MOST_CONNECTIONS: Final = 10
ENVELOPES: Final = {EVENT: "events_api", COMMAND: "slash_commands", INTERACTION: "interactive"}
ACKNOWLEDGED: Final = "application/json"


class Connection:
    """One connection of an app. Writing is safe from any thread; one thread reads."""

    def __init__(self, app: App, reader: BufferedIOBase, writer: BufferedIOBase) -> None:
        self.app = app
        self.pings = 0
        self.pongs = 0
        self.open = True
        self._reader = reader
        self._writer = writer
        self._lock = threading.Lock()

    def send(self, message: Object) -> None:
        self.write(Opcode.TEXT, json.dumps(message, ensure_ascii=False).encode())

    def write(self, opcode: Opcode, payload: bytes) -> None:
        """Raises `Broken`."""
        try:
            with self._lock:
                self._writer.write(frame(opcode, payload))
                self._writer.flush()
        except (OSError, ValueError) as error:
            self.open = False
            raise Broken("connection lost") from error

    def read(self) -> str:
        """The next text. Answers pings. Raises `Broken` when the connection is over."""
        while True:
            opcode, payload = read_message(self._reader)
            if opcode is Opcode.TEXT:
                return payload.decode("utf-8", "replace")
            if opcode is Opcode.PING:
                self.pings += 1
                self.write(Opcode.PONG, payload)
            elif opcode is Opcode.PONG:
                self.pongs += 1
            elif opcode is Opcode.CLOSE:
                self.write(Opcode.CLOSE, payload)
                raise Broken("closed")

    def close(self) -> None:
        """Ends the connection from the server's side."""
        self.open = False
        try:
            self.write(Opcode.CLOSE, b"\x03\xe8")
        except Broken:
            return


class SocketMode:
    """All connections, and the envelopes that wait for their acknowledgement."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._connections: list[Connection] = []
        self._waiting: dict[str, tuple[threading.Event, list[Json]]] = {}
        self._changed = threading.Condition()
        self._turn = 0

    def connections(self, app: App) -> list[Connection]:
        with self._changed:
            return [each for each in self._connections if each.app is app and each.open]

    def wait_for_connections(self, app: App, count: int, timeout: float = 5.0) -> None:
        """Waits until the app has `count` open connections. Raises `TimeoutError`."""
        with self._changed:
            here = self._changed.wait_for(
                lambda: sum(each.app is app and each.open for each in self._connections) >= count, timeout
            )
        if not here:
            raise TimeoutError(f"{app.name} has not opened {count} connections within {timeout} s")

    def serve(self, connection: Connection) -> None:
        """Says hello and reads until the connection is over."""
        if len(self.connections(connection.app)) >= MOST_CONNECTIONS:
            connection.close()
            return
        try:
            connection.send(self._hello(connection.app, len(self.connections(connection.app)) + 1))
            with self._changed:
                self._connections.append(connection)
                self._changed.notify_all()
            while True:
                self._acknowledged(connection.read())
        except Broken:
            pass
        finally:
            connection.open = False
            with self._changed:
                self._connections[:] = [each for each in self._connections if each is not connection]
                self._changed.notify_all()

    def send(self, delivery: Delivery, attempt: int, reason: str, within: float) -> Acknowledgement:
        """Sends one envelope and waits for its acknowledgement. Raises `NoAnswer`."""
        envelope_id = f"{self._state.new_id('')}-{attempt}".lower()
        envelope: Object = {
            "envelope_id": envelope_id,
            "type": ENVELOPES[delivery.kind],
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind != EVENT,
        }
        if delivery.kind == EVENT:
            envelope |= {"retry_attempt": attempt, "retry_reason": "timeout" if reason else ""}
        done, answers = threading.Event(), list[Json]()
        self._waiting[envelope_id] = (done, answers)
        try:
            self._next(delivery.app, within).send(envelope)
            if not done.wait(within):
                raise NoAnswer(TIMEOUT)
        except Broken as error:
            raise NoAnswer("connection_failed") from error
        finally:
            self._waiting.pop(envelope_id, None)
        body = b"" if answers[0] is None else json.dumps(answers[0]).encode()
        return Acknowledgement(200, {"content-type": ACKNOWLEDGED}, body)

    def disconnect(self, app: App, reason: str = "refresh_requested") -> None:
        """Tells every connection of the app to go; an app that stays is cut by `cut`."""
        for connection in self.connections(app):
            connection.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "simulator"}})

    def ping(self, app: App) -> None:
        for connection in self.connections(app):
            connection.write(Opcode.PING, b"Ping from the simulator")

    def cut(self, app: App) -> None:
        for connection in self.connections(app):
            connection.close()

    def close(self) -> None:
        for connection in list(self._connections):
            connection.close()

    def _next(self, app: App, within: float) -> Connection:
        """A connection of the app, in turn; waits for one while the app connects anew."""
        self.wait_for_one(app, within)
        open_ones = self.connections(app)
        if not open_ones:
            raise NoAnswer("connection_failed")
        self._turn += 1
        return open_ones[self._turn % len(open_ones)]

    def wait_for_one(self, app: App, within: float) -> None:
        try:
            self.wait_for_connections(app, 1, within)
        except TimeoutError as error:
            raise NoAnswer(TIMEOUT) from error

    def _acknowledged(self, written: str) -> None:
        message = parsed(written)
        if not isinstance(message, Mapping):
            self._state.fault("socket_mode", "invalid_json", written[:80])
            return
        waiting = self._waiting.get(text(message.get("envelope_id")))
        if waiting is None:
            return  # too late: the envelope was sent anew
        done, answers = waiting
        answers.append(message.get("payload"))
        done.set()

    def _hello(self, app: App, count: int) -> Object:
        return {
            "type": "hello",
            "num_connections": count,
            "connection_info": {"app_id": app.id},
            "debug_info": {
                "host": "simulator",
                "started": "2026-01-01 00:00:00.000",
                "build_number": 1,
                "approximate_connection_time": 3600,
            },
        }
