"""Which file several workers begin with: the longest first, so that none is left with one at the end.

`--durations=100` of pytest says how long tests take. A file that is missing here only starts later than it
should, after those with many tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# By the seconds that they take on two cores.
LONGEST_FIRST = (
    "demo/test_questions.py",
    "security/test_mutants.py",
    "browser/test_files.py",
    "browser/test_malicious_model.py",
    "ingest/test_switch_and_kill.py",
    "access/test_real_organisations.py",
    "config/test_up.py",
    "browser/test_asking.py",
    "browser/test_files_killed.py",
    "sync/test_kills_s3.py",
    "commands/test_sync_commands.py",
    "connectors/sources/test_mediawiki.py",
    "browser/test_scope.py",
    "security/test_leaks.py",
    "sync/test_kills.py",
    "browser/test_sharing.py",
    "access/test_three_forms_agree.py",
    "providers/test_transformers_serve.py",
    "browser/test_sources.py",
    "access/test_bad_inputs.py",
    "access/test_many_decisions.py",
    "config/test_redis_broker.py",
    "security/test_races.py",
    "browser/test_parts.py",
    "browser/test_ranking.py",
    "browser/test_short_answers.py",
    "security/test_non_interference.py",
    "chat/test_served_answers.py",
    "chat/test_files.py",
    "chat/test_misbehaving_models.py",
    "ingest/test_served_model.py",
    "demo/test_company.py",
    "sources/test_mediawiki.py",
    "config/test_startup.py",
    "accounts/test_membership.py",
    "sync/test_asked_amid.py",
    "sync/test_interrupted.py",
)
_PLACES = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST_FIRST)}


def place(file: Path, tests: Mapping[Path, int]) -> tuple[int, int, Path]:
    """By what files are sorted; `tests` says how many each has."""
    return _PLACES.get(file, len(_PLACES)), -tests[file], file
