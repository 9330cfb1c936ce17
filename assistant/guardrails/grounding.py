"""May a sentence that no passage carries be released, by the share of an answer that must be carried?

The share is kept at every moment of the answer: nothing is shown in the hope of what may follow, and nothing
shown is taken back.
"""

from __future__ import annotations

from collections.abc import Sequence

from assistant.guardrails.labels import message_for
from assistant.guardrails.rule_settings import GroundingSettings
from assistant.guardrails.rules import Kind, Rule
from assistant.guardrails.tally import Tally
from assistant.guardrails.verdict import Action, Hit, Stage

_PERCENT = 100


class Support:
    """How well the released part of one answer is carried."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        grounding = [rule for rule in rules if rule.kind is Kind.GROUNDING]
        self._rules = sorted(grounding, key=lambda rule: (-rule.action.strictness, rule.name))
        self._carried = self._released = 0
        self._broken: Rule | None = None

    def judge(self, *, carried: bool, tally: Tally) -> Action:
        """What is done with the next sentence by the strictest rule that it breaks, which is noted.

        `PASS` and `DETECT` release it, `MASK` leaves it out, `BLOCK` ends the answer.
        """
        broken = None if carried else next((rule for rule in self._rules if self._breaks(rule)), None)
        self._broken = broken
        if broken is None or broken.action is Action.DETECT:
            self._released += 1
            self._carried += carried
        if broken is None:
            return Action.PASS
        tally.add(Stage.ANSWER, [Hit(broken.id, broken.name, Kind.GROUNDING.value, broken.action, 1)])
        return broken.action

    def message(self, language: str) -> str:
        """What the person reads where the rule broken last ends the answer."""
        assert self._broken is not None
        return self._broken.message or message_for(self._broken, stage=Stage.ANSWER, language=language)

    def _breaks(self, rule: Rule) -> bool:
        assert isinstance(rule.settings, GroundingSettings)
        return self._carried * _PERCENT < rule.settings.share * (self._released + 1)
