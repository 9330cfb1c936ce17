"""Replacing `<name …>inside</name>` in a text that somebody may have written to be slow to read.

A regular expression that looks for the end of each tag anew takes the square of the text's length
where many tags have no end. Here every character is looked at a few times, whatever the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence


def replace_paired(text: str, names: Sequence[str], put: Callable[[str, str], str]) -> str:
    """The text with each tag of these names, up to its end, replaced by `put(name, inside)`.

    `names` are lower case. A tag that ends itself (`<name/>`) has nothing inside; one without
    an end stays as it is. A tag inside another one belongs to the inside.
    """
    opener = re.compile(rf"<({'|'.join(map(re.escape, names))})\b([^<>]*)>", re.IGNORECASE)
    closers = {name: re.compile(rf"</{re.escape(name)}\s*>", re.IGNORECASE) for name in names}
    parts: list[str] = []
    done = at = 0
    while found := opener.search(text, at):
        at = found.end()
        name = found[1].lower()
        if found[2].endswith("/"):
            inside = ""
        elif name in closers and (end := closers[name].search(text, at)):
            inside, at = text[at : end.start()], end.end()
        else:
            closers.pop(name, None)  # none follows, so none is looked for again
            continue
        parts += [text[done : found.start()], put(name, inside)]
        done = at
    return "".join([*parts, text[done:]])
