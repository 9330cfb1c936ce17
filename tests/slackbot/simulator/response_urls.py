"""The `response_url` of an interaction.

What the pages say (https://docs.slack.dev/interactivity/handling-user-interaction#message_responses and
https://docs.slack.dev/interactivity/implementing-slash-commands#app_command_handling):

- an address counts five times, within thirty minutes of the interaction;
- a message is ephemeral unless `response_type` is `in_channel`;
- `replace_original` and `delete_original` concern the message that holds the control a person used,
  whether everybody sees it or it is ephemeral; this is the only way to change an ephemeral message;
- without them a new message appears.

A slash command's address has no such message: nothing that was posted through it can be replaced or
deleted through it, and `replace_original` posts one more message (reports of this:
https://github.com/slackapi/bolt-js/issues/2287 and https://github.com/slackapi/bolt-python/issues/1268).
The simulator does the same and records a fault. The same counts for a message shortcut, whose
message is not the app's.

`chat.*` methods cannot change what was posted through an address (an ephemeral message is
`message_not_found`). The app need not be a member of the channel.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.block_kit import block_problems
from tests.slackbot.simulator.drawn import with_ids
from tests.slackbot.simulator.events import Events
from tests.slackbot.simulator.reading import fields, parsed, rows, text
from tests.slackbot.simulator.records import App, Channel, Message, User
from tests.slackbot.simulator.state import State

LIFE: Final = 1800.0  # seconds
MOST_USES: Final = 5
TEXT_POSTED: Final = 40_000
FIELDS: Final[Mapping[str, type]] = {
    "text": str,
    "blocks": list,
    "attachments": list,
    "response_type": str,
    "replace_original": bool,
    "delete_original": bool,
    "thread_ts": str,
    "unfurl_links": bool,
    "unfurl_media": bool,
    "mrkdwn": bool,
    "metadata": dict,
}


@dataclass(eq=False, slots=True)
class ResponseUrl:
    """`original` is the message that holds the control; a command and a shortcut have none."""

    secret: str
    app: App
    team_id: str
    user: User
    channel: Channel
    issued_at: float
    original: Message | None = None
    uses: int = 0


class ResponseUrls:
    """All addresses that were given out. `respond` answers as Slack does: a status and a body."""

    def __init__(self, state: State, events: Events) -> None:
        self._state = state
        self._events = events
        self._given: dict[str, ResponseUrl] = {}

    def give(self, app: App, team_id: str, user: User, channel: Channel, original: Message | None) -> str:
        """The path of a new address."""
        now = self._state.clock.now()
        made = ResponseUrl(secrets.token_urlsafe(18), app, team_id, user, channel, now, original)
        self._given[made.secret] = made
        return f"/response/{team_id}/{made.secret}"

    def respond(self, secret: str, body: bytes) -> tuple[int, str]:
        with self._state.lock:
            known = self._given.get(secret)
            if known is None:
                return self._refused(404, "no_service")
            if self._state.clock.now() - known.issued_at > LIFE:
                return self._refused(404, "expired_url")
            if known.uses >= MOST_USES:
                return self._refused(404, "used_url")
            content = parsed(body)
            if not isinstance(content, Mapping):
                return self._refused(400, "invalid_payload")
            known.uses += 1
            return self.post(known, content)

    def acknowledged(self, path: str, content: Mapping[str, Json]) -> None:
        """A message in the acknowledgement of a command: posted as through its address, and not counted."""
        with self._state.lock:
            self.post(self._given[path.rpartition("/")[2]], content)

    def post(self, known: ResponseUrl, content: Mapping[str, Json]) -> tuple[int, str]:
        if wrong := _misshapen(content):
            return self._refused(400, "invalid_payload", wrong)
        problems = block_problems(content.get("blocks") or [])
        if problems:
            return self._refused(400, "invalid_blocks", "; ".join(problems))
        original = known.original
        if content.get("delete_original") is True:
            return self._deleted(original)
        if not text(content.get("text")).strip() and not content.get("blocks"):
            return self._refused(400, "no_text")
        if content.get("replace_original") is True:
            if original is not None:
                return self._replaced(original, content)
            self._state.fault("response_url", "replace_original_without_original", "a new message appears")
        self._posted(known, content)
        return 200, "ok"

    def _deleted(self, original: Message | None) -> tuple[int, str]:
        if original is None:
            return self._refused(404, "delete_original_without_original")
        before = self._events.drawn(original)
        original.deleted = True
        if original.ephemeral_to is None:
            self._events.deleted(original, before)
        return 200, "ok"

    def _replaced(self, original: Message, content: Mapping[str, Json]) -> tuple[int, str]:
        if original.deleted:
            return self._refused(404, "message_not_found")
        before = self._events.drawn(original)
        original.shown.append((original.text, original.blocks))
        original.text = text(content.get("text"))[:TEXT_POSTED]
        original.blocks = with_ids(rows(content.get("blocks")), self._state)
        if original.ephemeral_to is None:
            self._events.changed(original, before)
        return 200, "ok"

    def _posted(self, known: ResponseUrl, content: Mapping[str, Json]) -> None:
        everybody = content.get("response_type") == "in_channel"
        message = Message(
            ts=self._state.new_ts(),
            channel=known.channel,
            user=known.app.installations[known.team_id].bot,
            text=text(content.get("text"))[:TEXT_POSTED],
            blocks=with_ids(rows(content.get("blocks")), self._state),
            thread_ts=text(content.get("thread_ts")) or None,
            app_id=known.app.id,
            ephemeral_to=None if everybody else known.user.id,
            metadata=fields(content.get("metadata")) or None,
            unfurl_links=content.get("unfurl_links") is True if "unfurl_links" in content else None,
            unfurl_media=content.get("unfurl_media") is True if "unfurl_media" in content else None,
        )
        self._state.messages.setdefault(known.channel.id, []).append(message)
        self._events.posted(message)

    def _refused(self, status: int, error: str, detail: str = "") -> tuple[int, str]:
        self._state.fault("response_url", error, detail)
        return status, f'{{"ok":false,"error":"{error}"}}'


def _misshapen(content: Mapping[str, Json]) -> str:
    """What is wrong with the fields, empty when nothing is."""
    wrong = [f"unknown field: {name}" for name in content if name not in FIELDS]
    wrong += [
        f"{name} must be {FIELDS[name].__name__}"
        for name, value in content.items()
        if name in FIELDS and value is not None and not isinstance(value, FIELDS[name])
    ]
    if content.get("response_type") not in (None, "ephemeral", "in_channel"):
        wrong.append("response_type must be ephemeral or in_channel")
    return "; ".join(wrong)
