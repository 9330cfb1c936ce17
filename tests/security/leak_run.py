"""Is anybody ever shown a mark that is not theirs?

    python -m tests.security.leak_run --questions 2000 --seed 1 [--documents 300] [--most 40]

Lays down a world in which every text field of every document carries a mark of its own,
in a database of its own. Then every account asks that many generated questions (by
search, by asking, and over the API) and crawls every route and event stream with up to
`--most` combinations of its parameters each. Prints one JSON object; exit status 1 if a
mark was shown to somebody whom it is foreign to, or stands in a log line.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.unlimited import UNLIMITED

if TYPE_CHECKING:
    from tests.security.canaries import Canaries, Visitor

_ASKED_EVERY = 10  # of so many questions one is asked, the others are searched for: asking takes longer


class Lines(logging.Handler):
    """Keeps the marks of every log line."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.marks: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Note the marks in one line, its traceback included."""
        from tests.security.canaries import MARK  # noqa: PLC0415 - needs loaded apps

        self.marks |= set(MARK.findall(logging.Formatter().format(record)))


class Run:
    """What was asked and crawled so far, and what came back that should not have."""

    def __init__(self, world: Canaries, *, seed: int) -> None:
        self.world = world
        self.random = Random(seed)
        self.questions = self.responses = self.hits = 0
        self.foreign: list[str] = []

    def judge(self, visitor: str, path: str, shown: str) -> None:
        """Look through one response."""
        self.responses += 1
        self.hits += bool(self.world.own(visitor) & set(self.marks_in(shown)))
        if found := self.world.foreign(visitor, path, shown):
            self.foreign.append(f"{visitor or 'nobody'} {path}: {sorted(found)[:3]}")

    @staticmethod
    def marks_in(shown: str) -> list[str]:
        """All marks, foreign and own."""
        from tests.security.canaries import MARK  # noqa: PLC0415 - needs loaded apps

        return MARK.findall(shown)

    def ask(self, visitor: Visitor, count: int) -> None:
        """Generated questions, each by one of the ways in."""
        from assistant.access.viewer import viewer_for  # noqa: PLC0415 - as above
        from assistant.chat.finding import ask, search  # noqa: PLC0415
        from tests.security.crawling import asked  # noqa: PLC0415
        from tests.security.made_questions import questions  # noqa: PLC0415

        if visitor.user is None:
            return
        viewer = viewer_for(visitor.user)
        for number, question in enumerate(questions(self.world, count, self.random)):
            self.questions += 1
            if number % _ASKED_EVERY == 0 and visitor.user.is_active:  # a closed account asks nobody
                said = json.dumps(ask(question, viewer=viewer))
            elif number % _ASKED_EVERY == 1:
                said = asked(self.world, visitor, "GET", f"/api/v1/search?q={question}&k=20", {}).text
            else:
                said = json.dumps(search(question, viewer=viewer, k=20))
            self.judge(visitor.name, "", said)

    def crawl(self, visitor: Visitor, most: int) -> None:
        """Every route and stream."""
        from tests.security.crawling import crawl, parameters  # noqa: PLC0415 - as above

        known = parameters(self.world)
        for shown in crawl(self.world, visitor, most=most, random=self.random, known=known):
            self.judge(visitor.name, shown.path, shown.text)


def main() -> int:
    """Read the arguments, make a database, ask and crawl, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--questions", type=int, default=2_000, help="for each account")
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--most", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mundap-leaks-") as home:
        _start(home)
        report = run(Path(home), chosen.questions, chosen.documents, chosen.most, seed=chosen.seed)
    print(json.dumps(report, ensure_ascii=False))
    return 1 if report["foreign"] or report["in_log_lines"] or report["in_audit_trail"] else 0


def _start(home: str) -> None:
    os.environ.update({"MUNDAP_HOME": home, "DJANGO_SETTINGS_MODULE": "assistant.config.settings"})
    os.environ["DATABASE_URL"] = f"sqlite:///{home}/leaks.sqlite3"
    os.environ["MUNDAP_REQUIRE_SECOND_FACTOR"] = "nobody"  # its people are signed in without a page
    os.environ.update(UNLIMITED)
    os.environ["MUNDAP_ALLOWED_HOSTS"] = "testserver"
    import django  # noqa: PLC0415 - needs the environment above
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("migrate", verbosity=0)


def run(home: Path, questions: int, documents: int, most: int, *, seed: int) -> dict[str, object]:
    """Lay the world down, and go through it as everybody; returns what to print."""
    from assistant.audit.models import AuditEvent  # noqa: PLC0415 - needs loaded apps
    from tests.security.canaries import SOURCES, laid_down  # noqa: PLC0415
    from tests.security.crawling import ROUTES  # noqa: PLC0415

    began = time.monotonic()
    lines = Lines()
    root = logging.getLogger()
    root.handlers = [lines]
    going = Run(laid_down(home, documents=documents, seed=seed), seed=seed)
    root.setLevel(logging.DEBUG)
    for visitor in going.world.visitors.values():
        going.ask(visitor, questions)
        going.crawl(visitor, most)
        print(f"{visitor.name or 'nobody'}: {going.responses} responses so far", file=sys.stderr)
    audited = json.dumps(list(AuditEvent.objects.values_list("actor", "event", "data")))
    return {
        "accounts": len(going.world.visitors),
        "documents": documents,
        "questions": going.questions,
        "routes": len(ROUTES),
        "responses": going.responses,
        "responses_with_own_marks": going.hits,
        "foreign": len(going.foreign),
        "in_log_lines": sorted(lines.marks)[:20],
        "in_audit_trail": sorted(set(Run.marks_in(audited)) - SOURCES)[:20],
        "seconds": round(time.monotonic() - began),
        "first_foreign": going.foreign[:20],
    }


if __name__ == "__main__":
    sys.exit(main())
