"""Where does a text carry something that no reader sees?

Single invisible characters are everyday life (emoji, Persian, pages copied from the web) and `legible()`
drops them. What is found here says something: letters written in tag characters, bytes written in variation
selectors or zero-width characters, words cut by them against filters, and overrides that show a text in
another order.
"""

from __future__ import annotations

import re

from assistant.common.sentences import Span

_TAGS = "\U000e0000-\U000e007f"
_ZERO_WIDTH = "\u00ad\u200b-\u200d\u2060-\u2064\ufeff"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_HIDDEN = re.compile(
    "(?P<flag>\U0001f3f4[\U000e0030-\U000e007a]{1,6}\U000e007f)"  # of England, Wales, Texas
    f"|[{_TAGS}]+"
    "|[\u202d\u202e]"
    f"|[{_ZERO_WIDTH}]{{4,}}"
    f"|[{_SELECTORS}]{{3,}}"
    f"|(?:[^\\W_][{_ZERO_WIDTH}]){{4,}}"
)


def invisible_spans(text: str) -> list[Span]:
    """The spans that hide something, in order and apart."""
    if text.isascii():
        return []
    return [found.span() for found in _HIDDEN.finditer(text) if not found["flag"]]
