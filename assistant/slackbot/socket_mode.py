"""Socket Mode: the connection that we open where Slack cannot reach us.

Of all processes one holds the connection of a workspace, by a lease of its row. The SDK's client reconnects
when Slack asks for it or the line breaks; where its own threads gave up, it is replaced. What is heard goes
the way of a request: written down first, acknowledged then.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from django.db import DatabaseError, close_old_connections, connections
from django.db.models import Q, QuerySet
from django.utils import timezone
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from assistant.common.errors import MundapError
from assistant.slackbot.bolt_app import app_of
from assistant.slackbot.credentials import opened
from assistant.slackbot.failures import SlackBusy, SlackClosed, SlackRefused
from assistant.slackbot.jobs import owner_of_this_process
from assistant.slackbot.models import Delivery, Workspace
from assistant.slackbot.shapes import NotARequest, checked
from assistant.slackbot.slack_api import anonymous_client, is_slack_address, network
from assistant.slackbot.tokens import close
from assistant.slackbot.transport import SILENT

log = logging.getLogger(__name__)

LEASE_S: Final = 15
RENEWED_EVERY_S: Final = 4.0
_IDLE_S = 15.0  # where no workspace wants Socket Mode
_PING_S = 10
_CLOSED_WITHIN_S, _POLL_S = 15.0, 0.02
_SECURE = {"ws": "http", "wss": "https"}
_PORTS = {"ws": 80, "wss": 443}


class Sockets:
    """Holds the connections that this process is to hold, until it is stopped."""

    def __init__(self, *, owner: str = "", every_s: float = RENEWED_EVERY_S) -> None:
        self._owner = owner or owner_of_this_process()
        self._every_s = every_s
        self._held: dict[int, _Held] = {}
        self._stopping = threading.Event()
        self._loop = threading.Thread(target=self._keep, name="slack-sockets", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._loop.start()

    def stop(self) -> None:
        """Close every connection, and let others have them at once."""
        self._stopping.set()
        self._loop.join()

    def connected(self) -> list[int]:
        """The workspaces whose connection stands here now."""
        return [key for key, held in list(self._held.items()) if held.handler.client.is_connected()]

    def _keep(self) -> None:
        try:
            while not self._stopping.is_set():
                wanted: list[Workspace] = []
                try:
                    wanted = list(_wanting())
                    self._keep_to(wanted)
                except DatabaseError as error:
                    # Our leases may run out meanwhile, and others take over.
                    log.warning("slack sockets: the database does not answer (%s)", type(error).__name__)
                    self._let_go(list(self._held))
                finally:
                    connections.close_all()
                self._stopping.wait(self._every_s if wanted or self._held else _IDLE_S)
        finally:
            self._let_go(list(self._held))
            try:
                Workspace.objects.filter(socket_owner=self._owner).update(
                    socket_owner="", socket_lease_until=None
                )
            except DatabaseError as error:
                log.warning("slack sockets: leases run out by themselves (%s)", type(error).__name__)
            connections.close_all()

    def _keep_to(self, wanted: list[Workspace]) -> None:
        """Hold what can be held of these, and nothing else."""
        revisions = {row.pk: row.revision for row in wanted}
        self._let_go([key for key, held in self._held.items() if revisions.get(key) != held.revision])
        for row in wanted:
            if self._stopping.is_set():
                return
            if not self._lease(row):
                self._let_go([row.pk] if row.pk in self._held else [])
            elif row.pk not in self._held:
                self._connect(row)
            elif not self._held[row.pk].handler.client.is_connected():
                # The SDK had the time since the last look to reconnect by itself.
                self._let_go([row.pk])
                self._connect(row)

    def _lease(self, row: Workspace) -> bool:
        now = timezone.now()
        free = Q(socket_owner=self._owner) | Q(socket_lease_until=None) | Q(socket_lease_until__lt=now)
        return bool(
            Workspace.objects.filter(free, pk=row.pk, revision=row.revision).update(
                socket_owner=self._owner, socket_lease_until=now + timedelta(seconds=LEASE_S)
            )
        )

    def _connect(self, row: Workspace) -> None:
        try:
            handler = _Handler(row)
            try:
                handler.client.connect()
            except Exception:
                handler.client.close()
                raise
            self._held[row.pk] = _Held(handler, row.revision)
        except SlackClosed as error:
            close(row, error.code)
        except (SlackBusy, SlackRefused) as error:
            log.warning("slack workspace %s: no connection: %s", row.pk, getattr(error, "code", "busy"))
        except MundapError as error:
            log.warning("slack workspace %s: no connection: %s", row.pk, type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the SDK raises what its sockets raise; tried again soon
            log.warning("slack workspace %s: no connection: %s", row.pk, type(error).__name__)

    def _let_go(self, keys: list[int]) -> None:
        for key in keys:
            self._held.pop(key).handler.client.close()


@dataclass(frozen=True, slots=True)
class _Held:
    handler: _Handler
    revision: int


class _Client(SocketModeClient):
    """The SDK's own client, that connects only to Slack."""

    def issue_new_wss_url(self) -> str:
        """Ask for an address to connect to.

        Raises:
            SlackBusy, SlackRefused, SlackClosed.
            AddressRefused, HostUnreachable: its name stands for nothing that may be connected to.
        """
        answer = self.web_client.apps_connections_open(app_token=self.app_token)
        url = str(answer.get("url") or "")
        parts = urlsplit(url)
        if not is_slack_address(parts._replace(scheme=_SECURE.get(parts.scheme, "")).geturl()):
            raise SlackRefused("not_slack")
        # The SDK opens the connection by itself; TLS holds it to the name that was judged here.
        network().addresses(parts.hostname or "", parts.port or _PORTS[parts.scheme])
        return url

    def connect(self) -> None:
        """Connect, unless it was closed meanwhile."""
        if not self.closed:
            super().connect()

    def close(self) -> None:
        """End the connection and its threads.

        The SDK's own waits for ever where a session began at the same moment: that takes the mark that it is
        over away again. So the mark is set until the threads have seen it.
        """
        self.closed = True
        self.default_auto_reconnect_enabled = self.auto_reconnect_enabled = False
        runners = (self.current_session_runner, self.current_app_monitor, self.message_processor)
        for runner in runners:
            runner.event.set()
        end = time.monotonic() + _CLOSED_WITHIN_S
        for runner in runners:
            while runner.is_alive() and time.monotonic() < end:
                self.current_session_state.terminated = True
                self.disconnect()
                runner.thread.join(_POLL_S)
        self.message_workers.shutdown(wait=False)


class _Handler(SocketModeHandler):
    """Hands what comes in to the workspace's app."""

    def __init__(self, workspace: Workspace) -> None:
        # The SDK's own initialiser makes a client that reads proxies of the environment.
        self.app = app_of(workspace)
        self.app_token = opened(workspace).app_token
        self.client = _Client(
            app_token=self.app_token,
            logger=SILENT,
            web_client=anonymous_client(workspace.pk),
            ping_interval=_PING_S,
        )
        self.client.proxy = None
        self.client.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type]  # as Bolt does
        self._still = _wanting().filter(pk=workspace.pk, revision=workspace.revision)

    def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """Take it in. What is not acknowledged comes again."""
        close_old_connections()
        try:
            if not self._still.exists():
                return
            try:
                checked(req.payload)
            except NotARequest:
                client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))
                return
            super().handle(client, req)
        except DatabaseError as error:
            log.error("slack socket: the database does not answer (%s)", type(error).__name__)
        finally:
            connections.close_all()


def _wanting() -> QuerySet[Workspace]:
    return Workspace.objects.filter(is_open=True, delivery=Delivery.SOCKET, failure="").order_by("pk")
