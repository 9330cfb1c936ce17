"""What people say of their answers: useful or not, and why. The last word of a person on an answer counts."""

from __future__ import annotations

from collections.abc import Collection

from assistant.access.viewer import Viewer
from assistant.chat.models import Feedback, FeedbackReason, TurnState
from assistant.chat.services import owned_turn
from assistant.common.errors import UsageError
from assistant.guardrails.inspect import screen

LONGEST_COMMENT = 1_000  # characters
_OPEN = (TurnState.PENDING, TurnState.RUNNING)


def give_feedback(
    *, viewer: Viewer, turn_id: int, useful: bool, reasons: Collection[str] = (), comment: str = ""
) -> None:
    """Keep what the person says of an answer of theirs. Reasons and comment belong to a bad one.

    What guardrails mask in questions is masked in the comment before it is stored.

    Raises:
        NotFound: no such turn of this person.
        UsageError: it is not finished, a reason is not known, or the comment is too long.
        GuardrailsDamaged, ModelUnavailable: what must be masked cannot be known; nothing is stored.
    """
    turn = owned_turn(viewer, turn_id)
    if turn.state in _OPEN:
        raise UsageError("Nothing can be said of this answer yet: it is still being written.")
    unknown = sorted(set(reasons) - set(FeedbackReason.values))
    if unknown:
        raise UsageError(f"'{unknown[0]}' is no reason. Known ones: {', '.join(FeedbackReason.values)}.")
    comment = comment.strip()
    if len(comment) > LONGEST_COMMENT:
        raise UsageError(f"The comment has {len(comment)} characters; at most {LONGEST_COMMENT} fit.")
    said = screen(comment, viewer=viewer).text if comment and not useful else ""
    Feedback.objects.update_or_create(
        turn=turn,
        user_id=viewer.user_id,
        defaults={
            "useful": useful,
            "reasons": [] if useful else sorted(set(reasons)),
            "comment": said,
        },
    )
