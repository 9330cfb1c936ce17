"""`manage.py guardrails test [--draft]`: the saved cases against the rules in force, or against the draft."""

from __future__ import annotations

import sys

from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand
from assistant.common.types import Json
from assistant.guardrails.bench import BenchRun, Outcome, run_cases, saved_cases
from assistant.guardrails.policy import draft_rules, policy_in_force


class Command(JsonCommand):
    """The test bench for scripts. Ends with 1 if a case is not treated as it must be."""

    help = "Run the saved cases of the guardrails."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-command and which rules."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        test = verbs.add_parser("test", help="Run the saved cases.")
        test.add_argument("--draft", action="store_true", help="Against the draft, not what is in force.")

    def handle(self, *, verb: str, draft: bool, **_: object) -> None:  # noqa: ARG002 - there is one verb
        """Run all cases and print what happened to each."""
        policy = policy_in_force()
        run = run_cases(saved_cases(), draft_rules() if draft else policy.rules)
        self.emit(
            {
                "rules": "draft" if draft else "published",
                "version": None if draft else policy.number,
                "cases": [_case(outcome) for outcome in run.outcomes],
                "matrix": _matrix(run),
                "wrong": len(run.wrong),
                "ms": round(run.ms, 2),
            }
        )
        if run.wrong:
            sys.exit(1)


def _case(outcome: Outcome) -> dict[str, Json]:
    case = outcome.case
    return {
        "id": case.id,
        "text": case.text,
        "stage": case.stage.value,
        "expected": case.expected.value,
        "got": outcome.got.value,
        "action": outcome.action.value,
        "rules": list(outcome.rules),
        "ms": round(outcome.ms, 2),
    }


def _matrix(run: BenchRun) -> dict[str, Json]:
    return {
        expected.value: {got.value: count for got, count in row.items()}
        for expected, row in run.matrix.items()
    }
