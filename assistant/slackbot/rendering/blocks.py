"""The pieces of Block Kit that Mundap uses, and the one place where foreign text enters them.

Nothing is ever written as mrkdwn: text stands in `text` elements of rich text and in `plain_text` objects,
in which Slack reads no mention, link or formatting. The one string that Slack does read as mrkdwn is the
fallback of a message; `escaped` is for that one. Limits are Slack's, in characters, unless a comment says
otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

from assistant.common.types import Json
from assistant.common.web_addresses import web_address

Block = dict[str, Json]
Element = dict[str, Json]

LONGEST_TEXT: Final = 3_000  # of one text object, and of one element of rich text
LONGEST_BUTTON: Final = 75
LONGEST_TITLE: Final = 24  # of a modal and of its buttons
LONGEST_HEADER: Final = 150
LONGEST_URL: Final = 3_000
MOST_BLOCKS: Final = 50  # of a message
MOST_BLOCKS_OF_VIEW: Final = 100
# Slack refuses messages whose blocks are too long together and does not say where it draws the line; reports
# begin at 11,000 characters. Counted as JSON, so that the frames of elements count as well.
LONGEST_MESSAGE: Final = 10_000

# Controls, what turns the direction of writing, what takes no room, tags and lone surrogates: each can make a
# title look like another one, or break the request. Joiners stay, as emoji and some scripts need them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_SEPARATORS = re.compile("\r\n?|\x0b|\x0c|\x85|\u2028|\u2029")


def clean(text: str) -> str:
    """Foreign text as it may be shown: its lines and its words, without what cannot be seen."""
    return _HIDDEN.sub("", _SEPARATORS.sub("\n", text))


def one_line(text: str, most: int) -> str:
    """The same on one line of at most so many characters."""
    return clipped(" ".join(clean(text).split()), most)


def clipped(text: str, most: int) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def escaped(text: str) -> str:
    """The text for the one place that Slack reads as mrkdwn: no mention and no link can come of it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str, most: int) -> Element:
    """A text object that Slack shows as it is."""
    return {"type": "plain_text", "text": clipped(text, most), "emoji": False}


def words(text: str, *, bold: bool = False, italic: bool = False, code: bool = False) -> list[Element]:
    """Text within rich text: nothing for an empty one, more than one element for a very long one."""
    style: dict[str, Json] = {
        name: True for name, on in (("bold", bold), ("italic", italic), ("code", code)) if on
    }
    pieces = (text[start : start + LONGEST_TEXT] for start in range(0, len(text), LONGEST_TEXT))
    return [{"type": "text", "text": piece} | ({"style": style} if style else {}) for piece in pieces]


def link(text: str, url: str, *, bold: bool = False, most: int = LONGEST_URL) -> list[Element]:
    """The text as a link where the address may be one, else the text alone."""
    if not text or not _may_be_link(url, most):
        return words(text, bold=bold)
    element: Element = {"type": "link", "url": url, "text": text}
    return [element | ({"style": {"bold": True}} if bold else {})]


def _may_be_link(url: str, most: int) -> bool:
    """Whether it is a web address with nothing hidden in it."""
    return len(url) <= most and bool(web_address(url)) and clean(url) == url


def person(user: str) -> list[Element]:
    """A Slack user by their id; nothing for what is none."""
    return [{"type": "user", "user_id": user}] if re.fullmatch(r"[UW][A-Z0-9]{2,}", user) else []


def joined(elements: Iterable[Element]) -> list[Element]:
    """The elements, neighbours that look alike made one."""
    found: list[Element] = []
    for element in elements:
        before = found[-1] if found else {}
        if (
            element["type"] == before.get("type") == "text"
            and element.get("style") == before.get("style")
            and len(both := f"{before['text']}{element['text']}") <= LONGEST_TEXT
        ):
            found[-1] = {**before, "text": both}
        else:
            found.append(element)
    return found


def section(elements: Iterable[Element]) -> Element:
    """A paragraph of rich text."""
    return {"type": "rich_text_section", "elements": joined(elements)}


def quote(elements: Iterable[Element]) -> Element:
    """A paragraph with a line beside it."""
    return {"type": "rich_text_quote", "elements": joined(elements)}


def bullets(items: Iterable[Sequence[Element]]) -> Element:
    """A list with a point before each item."""
    return {"type": "rich_text_list", "style": "bullet", "elements": [section(item) for item in items]}


def rich_text(parts: Iterable[Element]) -> list[Block]:
    """A block of paragraphs, quotes and lists; none where all of them are empty."""
    filled = [part for part in parts if part["elements"]]
    return [{"type": "rich_text", "elements": filled}] if filled else []


def context(*lines: str) -> list[Block]:
    """Small grey lines."""
    elements = [plain(line, LONGEST_TEXT) for line in lines if line.strip()]
    return [{"type": "context", "elements": elements[:10]}] if elements else []


def header(text: str) -> Block:
    """A large line."""
    return {"type": "header", "text": plain(text, LONGEST_HEADER)}


def button(text: str, action: str, *, value: str = "", url: str = "", primary: bool = False) -> list[Element]:
    """A button. One that opens an address is left out where that cannot be a link."""
    element: Element = {"type": "button", "action_id": action, "text": plain(text, LONGEST_BUTTON)}
    if url and not _may_be_link(url, LONGEST_URL):
        return []
    more: dict[str, Json] = {"value": value} if value else {}
    more |= {"url": url} if url else {}
    more |= {"style": "primary"} if primary else {}
    return [element | more]


def actions(*buttons: Sequence[Element]) -> list[Block]:
    """A row of buttons; none where there is no button."""
    elements = [element for some in buttons for element in some]
    return [{"type": "actions", "elements": elements}] if elements else []


def length(parts: Sequence[Json]) -> int:
    """How long the parts are as JSON, which is what counts for `LONGEST_MESSAGE`."""
    return len(json.dumps(parts, ensure_ascii=False, separators=(",", ":")))
