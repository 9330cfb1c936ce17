"""How much is asked, and how it ends: counts for who may see them, without people and questions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.models import Kind
from assistant.accounts.roles import Right
from assistant.chat.models import StoredEvent, Turn, TurnState

DAYS = 30
FEWEST = 5  # people; fewer are never counted out, so that no figure is one colleague's


@dataclass(frozen=True, slots=True)
class AnswerUsage:
    """The turns of some days. `people`: how many asked, None where they are fewer than `FEWEST`.

    `answered` to `failed` are parts of `asked`; the rest is being answered.
    """

    asked: int
    answered: int
    unanswered: int
    blocked: int
    stopped: int
    failed: int
    people: int | None

    @property
    def answered_percent(self) -> int | None:
        """Of those that ended by themselves, how many got an answer; None without any."""
        ended = self.answered + self.unanswered + self.blocked + self.failed
        return round(100 * self.answered / ended) if ended else None


def usage_of_answers(*, viewer: Viewer, days: int = DAYS) -> AnswerUsage:
    """What was asked in the last days, conversations that were deleted left out.

    Raises:
        NotFound: the viewer may not see usage.
    """
    require(viewer, Right.SEE_USAGE)
    empty = StoredEvent.objects.filter(turn=OuterRef("pk"), kind="no_answer")
    turns = Turn.objects.filter(created_at__gte=timezone.now() - timedelta(days=days)).annotate(
        is_empty=Exists(empty)
    )
    counts = turns.aggregate(
        asked=Count("pk"),
        answered=Count("pk", filter=Q(state=TurnState.DONE, is_empty=False)),
        unanswered=Count("pk", filter=Q(state=TurnState.DONE, is_empty=True)),
        blocked=Count("pk", filter=Q(state=TurnState.BLOCKED)),
        stopped=Count("pk", filter=Q(state=TurnState.STOPPED)),
        failed=Count("pk", filter=Q(state=TurnState.FAILED)),
        people=Count("conversation__user", filter=Q(conversation__user__kind=Kind.PERSON), distinct=True),
    )
    people = counts.pop("people")
    return AnswerUsage(**counts, people=people if people >= FEWEST else None)
