"""What of a text is judged alone: its sentences, cut where they are too long to be one."""

from __future__ import annotations

from assistant.common.sentences import Span, split_sentences

MAX_PIECE = 600  # characters


def pieces_of(text: str, *, shortest: int = 1) -> list[Span]:
    """Spans of the sentences of at least `shortest` characters, in order, without white space around."""
    found = []
    for start, end in split_sentences(text):
        for at in range(start, end, MAX_PIECE):
            piece = text[at : min(end, at + MAX_PIECE)]
            lead = len(piece) - len(piece.lstrip())
            if len(piece.strip()) >= shortest:
                found.append((at + lead, at + lead + len(piece.strip())))
    return found
