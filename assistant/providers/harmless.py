"""What of a model's text may go on: nothing that nobody sees, or that steers what shows it."""

from __future__ import annotations

import re

# Controls (but not tabs and line ends), soft hyphens, marks of direction, zero widths, halves of characters
# that UTF-8 cannot hold, tags and selectors in which text can be hidden.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_LINE_ENDS = re.compile("[\u2028\u2029]")


def harmless(text: str) -> str:
    """The text without hidden characters. Of two pieces of a text it gives the same as of both together."""
    return _LINE_ENDS.sub("\n", _HIDDEN.sub("", text))
