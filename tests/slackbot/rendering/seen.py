"""What a person sees of Block Kit: its text, its links, its buttons. And turns to draw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assistant.chat.events import CitedPassage, Done, Token, TurnEvent
from assistant.common.types import Json
from assistant.slackbot.rendering.messages import Drawing, Message, Where
from tests.slackbot.block_rules import every_part

ADDRESS = "https://mundap.example/c/12/"


def seen(blocks: Sequence[Json]) -> str:
    """All text, each text object or element of rich text after the other."""
    return "".join(texts(blocks))


def texts(blocks: Sequence[Json]) -> list[str]:
    """The strings that Slack shows."""
    return [str(part["text"]) for part in every_part(list(blocks)) if isinstance(part.get("text"), str)]


def bold(blocks: Sequence[Json]) -> list[str]:
    """What stands out in rich text."""
    return [str(part["text"]) for part in every_part(list(blocks)) if part.get("style") == {"bold": True}]


def buttons(blocks: Sequence[Json]) -> dict[str, str]:
    """The value of each button, else its address, by action."""
    return {
        str(part["action_id"]): str(part.get("url") or part.get("value", ""))
        for part in every_part(list(blocks))
        if part.get("type") == "button"
    }


def kinds(blocks: Sequence[Json]) -> list[str]:
    """The type of each block."""
    return [str(block["type"]) for block in blocks if isinstance(block, dict)]


def passage(n: int, title: str, **more: object) -> CitedPassage:
    """A cited source."""
    given: dict[str, object] = {
        "document_id": n + 100,
        "external_id": f"id-{n}",
        "source": "Handbook",
        "url": "",
        "place": "",
        "place_kind": "",
        "headings": "",
        "passage": f"What {title} says.",
        "modified_at": "",
        "synced_at": "",
        "cited": True,
    }
    return CitedPassage(n=n, title=title, **(given | more))  # type: ignore[arg-type]


def drawing(where: Where = Where.DIRECT, **more: bool) -> Drawing:
    """A turn of a person whose Slack id is U0ANN."""
    return Drawing(
        turn_id=31,
        question="How much leave do I have?",
        asker="U0ANN",
        where=where,
        address=ADDRESS,
        **more,
    )


def drawn(*events: TurnEvent, where: Where = Where.DIRECT, **more: bool) -> Message:
    """The message after these events."""
    turn = drawing(where, **more)
    for event in events:
        turn.take(event)
    return turn.message()


def answered(sentences: Iterable[str]) -> list[TurnEvent]:
    """A finished turn with these sentences, each from source 1."""
    return [*(Token(sentence, (1,), quoted=True) for sentence in sentences), Done(5)]
