"""What was said before in a conversation, as far as its owner may read it at this moment.

An answer that is withheld now contributes nothing, and its question neither; nor does a blocked one. Where
others read along, only what was asked before all of them counts.
"""

from __future__ import annotations

from assistant.access.door import still_readable
from assistant.access.viewer import Viewer
from assistant.chat.condensing import Exchange
from assistant.chat.events import Blocked, Withheld
from assistant.chat.models import Turn
from assistant.chat.selectors import said_in, stands_on

_MOST_TURNS = 6


def overheard(turn: Turn) -> tuple[Exchange, ...]:
    """What others said where the question was asked, oldest first. Everybody there reads it anyway."""
    return tuple(Exchange(said["text"], by=said["by"]) for said in turn.overheard)


def past(viewer: Viewer, turn: Turn) -> tuple[Exchange, ...]:
    """The turns before this one that the viewer may see now, oldest first, six at most."""
    earlier = Turn.objects.filter(
        conversation=turn.conversation_id,
        conversation__user_id=viewer.user_id,
        conversation__user__is_active=True,
        pk__lt=turn.pk,
    ).order_by("-pk")
    if viewer.beside:
        seen = [row.pk for row in earlier.only("seen_by") if row.was_seen_by(viewer.beside)]
        earlier = earlier.filter(pk__in=seen[:_MOST_TURNS])
    rows = list(earlier.prefetch_related("events", "citations")[:_MOST_TURNS])
    said = [said_in(row) for row in rows]
    needed = [
        stands_on(tokens, list(row.citations.all()), row.read_documents) | set(row.carried_documents)
        for row, (tokens, _) in zip(rows, said, strict=True)
    ]
    open_now = still_readable(viewer, set().union(*needed))
    found: list[Exchange] = []
    for row, (tokens, outcome), documents in zip(rows, said, needed, strict=True):
        if isinstance(outcome, Withheld | Blocked) or not documents <= open_now:
            continue
        answer = " ".join(token.text for token in tokens)
        found.append(Exchange(row.question, answer, frozenset(documents) if answer else frozenset()))
    return tuple(reversed(found))
