"""From a message as it is written to its sentences, each with the numbers that it cites.

What a model writes is text and nothing more: marks of emphasis, links and pictures are taken off, so that no
address in it can be followed. A sentence is handed over once the next one has begun.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from assistant.common.errors import ModelUnavailable
from assistant.common.sentences import split_sentences

_AHEAD = 24  # characters after a sentence from which its end is certain
_MOST_BUFFERED = 20_000
_CITES = re.compile(r"[\[【]\s*(\d{1,6}(?:\s*[,;，]\s*\d{1,6})*)\s*[\]】]")
_BEFORE_CITATION = re.compile(r"[ \t]+(?=[\[【]\s*\d{1,6}\s*[,;，\]】])")
_BETWEEN_CITATIONS = re.compile(r"(?<=[\]】])\s*[,;，]\s*(?=[\[【]\s*\d{1,6}\s*[,;，\]】])")
_PICTURE_OR_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)")
_LINE_MARK = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|[-*+•]\s+|\d{1,2}[.)]\s+(?=\S))", re.MULTILINE)
_EMPHASIS = re.compile(r"(\*\*|__|`+|~~)")
_HEADING_MARK = re.compile(r"^\s*#{1,6}\s+")
_EMPHASIS_OF_DRAFTS = re.compile(r"\*\*|~~")
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Written:
    """A sentence without its citations, and the numbers that these name."""

    text: str
    cited: tuple[int, ...]


def sentences_of(pieces: Iterable[str]) -> Iterator[Written]:
    """The sentences of a message that arrives in pieces of any length.

    Raises:
        ModelUnavailable: the message broke off; the sentences that another one follows have been handed over.
    """
    rest = ""
    try:
        for piece in pieces:
            rest += piece
            *whole, rest = _cut(rest)
            yield from _read(whole)
    except ModelUnavailable:
        yield from _read(_sentences(rest)[:-1])
        raise
    yield from _read(_sentences(rest))


def _sentences(text: str) -> list[str]:
    joined = _joined(text)
    return [joined[start:end] for start, end in split_sentences(joined)] if joined.strip() else []


def lines_of(pieces: Iterable[str]) -> Iterator[Written]:
    """The lines of a draft: as they are written, with their indentation, but without links and pictures.

    A line that follows empty ones begins with as many line breaks, two at most. Fences of code are left out.
    """
    rest, gap, begun = "", 0, False
    for piece in chain(pieces, ("\n",)):
        rest += piece.replace("\r", "")
        *lines, rest = rest.split("\n")
        if len(rest) > _MOST_BUFFERED:
            lines, rest = [*lines, rest], ""
        for line in lines:
            cited = [int(n) for match in _CITES.finditer(line) for n in match.group(1).split(",")]
            text = _PICTURE_OR_LINK.sub(r"\1", _CITES.sub("", line)).rstrip()
            text = _EMPHASIS_OF_DRAFTS.sub("", _HEADING_MARK.sub("", text))
            if not text.strip() or _FENCE.match(text):
                gap = min(gap + 1, 2)
                continue
            yield Written("\n" * (gap if begun else 0) + text, tuple(dict.fromkeys(cited)))
            gap, begun = 0, True


def _cut(text: str) -> list[str]:
    """Sentences that surely ended, and the rest."""
    joined = _joined(text)
    spans = split_sentences(joined)
    ended = [end for (_, end) in spans if len(joined) - end >= _AHEAD]
    if not ended or len(ended) == len(spans):
        ended = ended[:-1]
    if not ended and len(joined) > _MOST_BUFFERED:
        return [joined, ""]
    at = ended[-1] if ended else 0
    return [*(joined[start:end] for start, end in spans if end <= at), joined[at:]]


def _joined(text: str) -> str:
    """Citations directly after what they belong to, as the end of a sentence is looked for there."""
    tight = _CITES.sub(lambda match: f"[{re.sub(r'[^0-9]+', ',', match.group(1))}]", text)
    return _BETWEEN_CITATIONS.sub("", _BEFORE_CITATION.sub("", tight))


def _read(sentences: Iterable[str]) -> Iterator[Written]:
    for sentence in sentences:
        cited = [int(number) for match in _CITES.finditer(sentence) for number in match.group(1).split(",")]
        text = plain(_CITES.sub("", sentence))
        if any(character.isalnum() for character in text):
            yield Written(text, tuple(dict.fromkeys(cited)))


def plain(text: str) -> str:
    """The words of a piece of Markdown, in one line."""
    words = _PICTURE_OR_LINK.sub(r"\1", text).replace("](", "] (")
    return _SPACES.sub(" ", _EMPHASIS.sub("", _LINE_MARK.sub("", words))).strip()
