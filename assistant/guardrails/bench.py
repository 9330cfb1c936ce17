"""What would these rules do to the saved cases? Judged as for somebody whom every rule concerns.

`Outcome.got` is what a person would notice: a rule that only notes or restricts lets the text pass.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.guardrails.encoding import answering_encoder
from assistant.guardrails.judging import judge
from assistant.guardrails.models import BenchCase, Expected
from assistant.guardrails.rules import Rule
from assistant.guardrails.verdict import Action, Hit, Stage

MOST_CASES = 1_000
_NOTICED = {Action.BLOCK: Expected.BLOCK, Action.MASK: Expected.MASK}


@dataclass(frozen=True, slots=True)
class Case:
    """A text, where it stands, and what must happen to it; `id` is 0 for one that is not saved."""

    id: int
    text: str
    stage: Stage
    expected: Expected
    language: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to a case. `shown` is the text as it would go on; `ms` how long judging took."""

    case: Case
    action: Action
    got: Expected
    shown: str
    hits: tuple[Hit, ...]
    message: str
    ms: float

    @property
    def right(self) -> bool:
        """Whether it is what must happen."""
        return self.got == self.case.expected

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules that found something, strictest first."""
        return tuple(dict.fromkeys(hit.rule for hit in self.hits))


@dataclass(frozen=True, slots=True)
class BenchRun:
    """All outcomes of one set of rules, in the order of the cases."""

    outcomes: tuple[Outcome, ...]

    @property
    def wrong(self) -> tuple[Outcome, ...]:
        """Those that are not what must happen."""
        return tuple(outcome for outcome in self.outcomes if not outcome.right)

    @property
    def right(self) -> int:
        """How many are."""
        return len(self.outcomes) - len(self.wrong)

    @property
    def matrix(self) -> dict[Expected, dict[Expected, int]]:
        """How many cases: expected, then got; every pair is there."""
        counts = Counter((outcome.case.expected, outcome.got) for outcome in self.outcomes)
        return {each: {got: counts[each, got] for got in Expected} for each in Expected}

    @property
    def hits(self) -> dict[str, int]:
        """In how many cases each rule found something, by its name, most first."""
        return dict(Counter(name for outcome in self.outcomes for name in outcome.rules).most_common())

    @property
    def ms(self) -> float:
        """Milliseconds for a case, in the mean; 0 without cases."""
        return sum(outcome.ms for outcome in self.outcomes) / len(self.outcomes) if self.outcomes else 0.0


@dataclass(frozen=True, slots=True)
class Changed:
    """A case that the draft treats otherwise than the version in force."""

    before: Outcome
    after: Outcome


def saved_cases() -> tuple[Case, ...]:
    """The saved cases, oldest first."""
    return tuple(
        Case(row.pk, row.text, Stage(row.stage), Expected(row.expected), row.language, row.note)
        for row in BenchCase.objects.order_by("pk")[:MOST_CASES]
    )


def run_cases(cases: Sequence[Case], rules: Sequence[Rule]) -> BenchRun:
    """Judge every case by the enabled rules.

    Raises:
        ModelUnavailable: topics cannot be judged.
    """
    enabled = [rule for rule in rules if rule.enabled]
    if cases and enabled:
        try_text(cases[0], enabled)  # models are loaded and rules made ready outside the time that is shown
    return BenchRun(tuple(try_text(case, enabled) for case in cases))


def try_text(case: Case, rules: Sequence[Rule]) -> Outcome:
    """Judge one case.

    Raises:
        ModelUnavailable: topics cannot be judged.
    """
    here = [rule for rule in rules if rule.enabled and case.stage in rule.stages]
    began = time.perf_counter()
    verdict = judge(case.text, here, stage=case.stage, encoder=answering_encoder)
    ms = (time.perf_counter() - began) * 1000
    got = _NOTICED.get(verdict.action, Expected.PASS)
    return Outcome(case, verdict.action, got, verdict.text, verdict.hits, verdict.message, ms)


def changed_outcomes(before: BenchRun, after: BenchRun) -> tuple[Changed, ...]:
    """The cases that two sets of rules treat differently; both runs are over the same cases."""
    pairs = zip(before.outcomes, after.outcomes, strict=True)
    return tuple(Changed(old, new) for old, new in pairs if old.got != new.got or old.shown != new.shown)
