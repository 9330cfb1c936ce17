"""What rules found in one turn: by stage, rule and kind, counted. Never what it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from assistant.access.viewer import Viewer
from assistant.audit.trail import Event, record
from assistant.common.types import Json
from assistant.guardrails.verdict import Action, Hit, Stage


class Tally:
    """The hits of one turn, filled while it runs."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Stage, Hit]] = Counter()

    def add(self, stage: Stage, hits: Iterable[Hit]) -> None:
        """Count what a verdict says."""
        for hit in hits:
            alike = Hit(hit.rule_id, hit.rule, hit.kind, hit.action, 1)
            self._counts[stage, alike] += hit.count

    def count(self, action: Action) -> int:
        """How often rules with this action found something."""
        return sum(count for (_, hit), count in self._counts.items() if hit.action is action)

    def audit(self, *, viewer: Viewer, turn: int | None) -> None:
        """Append one event if anything was found. `turn`: none for a question outside any conversation."""
        found: list[Json] = [
            {
                "stage": stage.value,
                "rule": hit.rule_id,
                "name": hit.rule,
                "kind": hit.kind,
                "action": hit.action.value,
                "count": count,
            }
            for (stage, hit), count in self._counts.items()
        ]
        self._counts.clear()
        if found:
            where: dict[str, Json] = {} if turn is None else {"turn": turn}
            record(Event.GUARDRAIL_HIT, actor_id=viewer.user_id, actor=viewer.email, **where, found=found)
