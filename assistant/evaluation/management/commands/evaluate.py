"""`manage.py evaluate FILE.jsonl --as EMAIL [--search-only] [--out R.jsonl]`."""

from __future__ import annotations

import json
from pathlib import Path

from django.core.management.base import CommandParser

from assistant.access.viewer import viewer_for
from assistant.accounts.command import JsonCommand, known_user, say
from assistant.common.errors import UsageError
from assistant.evaluation.metrics import Result, report
from assistant.evaluation.questions import read_questions
from assistant.evaluation.running import evaluate

_SAY_EVERY = 500


class Command(JsonCommand):
    """Measures search and answers on questions with known sources."""

    help = "Measure search and answers on a question set."

    def add_arguments(self, parser: CommandParser) -> None:
        """The questions, the person, what to measure and where to write it."""
        parser.add_argument("file", metavar="FILE.jsonl")
        parser.add_argument("--as", dest="email", required=True, metavar="EMAIL")
        parser.add_argument("--search-only", action="store_true", help="Do not make answers.")
        parser.add_argument("--out", metavar="R.jsonl", help="Write each question's result there.")

    def handle(self, *, file: str, email: str, search_only: bool, out: str | None, **_: object) -> None:
        """Evaluate and print the measures."""
        questions = read_questions(Path(file))
        viewer = viewer_for(known_user(email))

        def progress(done: int) -> None:
            if done % _SAY_EVERY == 0:
                say(f"{done} of {len(questions)} questions")

        results = evaluate(questions, viewer=viewer, search_only=search_only, progress=progress)
        if out:
            _write(Path(out), results)
        self.emit(report(results))


def _write(file: Path, results: list[Result]) -> None:
    lines = [
        json.dumps(
            {
                "id": result.question.id,
                "ranked": list(result.ranked),
                "refused": result.refused,
                "quotes": list(result.quotes),
                "ms": round(result.ms, 2),
            },
            ensure_ascii=False,
        )
        for result in results
    ]
    try:
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from error
