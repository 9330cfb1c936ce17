"""What somebody pressed: which turn it is about, and where they alone are told what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.common.types import JsonObject
from assistant.slackbot.posting import Place

NO_TURN = 0


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button under an answer. `turn` is what came back with it, and gives nobody a right to it."""

    user: str
    channel: str
    turn: int
    message: str = ""  # the ts of the message that the button stands under
    thread: str = ""
    response_url: str = ""

    @property
    def place(self) -> Place:
        """Where the one who pressed is told."""
        return Place(self.channel, self.user, self.thread, self.response_url)


def pressed_of(payload: JsonObject) -> Pressed:
    """What a job holds. What is missing is empty."""

    def text(name: str) -> str:
        value = payload.get(name)
        return value if isinstance(value, str) else ""

    return Pressed(
        user=text("user"),
        channel=text("channel"),
        turn=turn_id_of(payload.get("turn")),
        message=text("message_ts"),
        thread=text("thread_ts"),
        response_url=text("response_url"),
    )


def turn_id_of(value: object) -> int:
    """The id of a turn as it came back from Slack; 0, which is none's, where it is no id."""
    text = str(value) if isinstance(value, str | int) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else NO_TURN  # noqa: PLR2004 - of 64 bits
