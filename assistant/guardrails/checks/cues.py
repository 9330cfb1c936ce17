"""Which notions of an attack does a text speak of, in English, German or Korean?

"Drop the earlier orders" is the same attack in every language, but shares no n-gram with its translation. The
notions of `cues.txt` and their pairs let what was learnt from one language count in the others.
"""

from __future__ import annotations

from itertools import combinations

from assistant.guardrails.checks.notions import notions

_FILE = "cues.txt"


def size() -> int:
    """How many features there are: notions, then pairs of them."""
    count = len(notions(_FILE).names)
    return count + count * (count - 1) // 2


def features(text: str) -> list[int]:
    """The features of a text that went through `grams.folded()`, each once."""
    known = notions(_FILE)
    count = len(known.names)
    found = sorted(known.found(text))
    pairs = (
        count + first * (2 * count - first - 1) // 2 + second - first - 1
        for first, second in combinations(found, 2)
    )
    return [*found, *pairs]
