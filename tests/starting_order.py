"""Which file several workers begin with: the longest first, so that none is left with one at the end.

`--durations=100` of pytest says how long tests take. A file that is missing here only starts later than it
should: behind these, and before those with many tests, come files with one that is slow or drives a browser.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

# By the seconds that they take on two cores.
LONGEST_FIRST = (
    "security/test_inventory.py",
    "demo/test_questions.py",
    "security/test_mutants.py",
    "access/test_real_organisations.py",
    "ingest/test_switch_and_kill.py",
    "browser/test_files.py",
    "security/test_leaks.py",
    "browser/test_payloads.py",
    "sync/test_kills_s3.py",
    "config/test_up.py",
    "browser/test_files_killed.py",
    "browser/test_malicious_model.py",
    "connectors/sources/test_mediawiki.py",
    "providers/test_as_sentence_transformers.py",
    "providers/test_byte_encoder.py",
    "browser/test_asking.py",
    "providers/test_bundled_encoder.py",
    "browser/test_signing_in.py",
    "browser/test_company_sign_in.py",
    "security/test_races.py",
    "browser/test_openid_sign_in.py",
    "sync/test_kills.py",
    "access/test_three_forms_agree.py",
    "privacy/test_rotation.py",
    "connectors/sources/test_s3.py",
    "chat/test_calculations.py",
    "access/test_many_decisions.py",
    "providers/test_transformers_serve.py",
    "access/test_bad_inputs.py",
    "retrieval/test_narrowing.py",
    "security/test_non_interference.py",
    "commands/test_sync_commands.py",
    "web/test_sign_in.py",
    "security/crawl/test_crawl.py",
    "api/test_fuzzing.py",
    "browser/test_sharing.py",
    "browser/test_scope.py",
    "browser/test_sources.py",
    "chat/test_files.py",
    "connectors/sources/test_webdav.py",
    "chat/test_served_answers.py",
    "index/test_conformance.py",
    "audit/test_chain.py",
    "browser/test_factors.py",
    "access/test_who_is_meant.py",
    "architecture/test_told.py",
    "config/test_redis_broker.py",
    "index/test_faults.py",
    "security/test_files.py",
    "connectors/sources/test_dokuwiki.py",
    "security/test_local_only_proof.py",
    "retrieval/test_context.py",
    "api/test_pushing.py",
    "accounts/test_throttle.py",
    "browser/test_parts.py",
    "common/test_ssrf.py",
    "security/test_table_leaks.py",
    "access/test_readers.py",
    "browser/test_ranking.py",
    "scim/test_independent_client.py",
    "security/test_revocation.py",
    "sync/test_doubt.py",
    "connectors/test_network_conformance.py",
    "browser/test_short_answers.py",
    "sync/test_interrupted.py",
    "browser/test_directory_sign_in.py",
    "connectors/sdk/test_access_file.py",
    "sources/test_mediawiki.py",
    "guardrails/test_topics.py",
    "sources/test_git.py",
    "ingest/test_second_model.py",
    "sources/test_push.py",
    "ingest/parsers/test_hostile_files.py",
    "architecture/test_lazy_imports.py",
    "security/test_note_leaks.py",
    "config/test_startup.py",
    "chat/test_misbehaving_models.py",
    "ingest/test_served_model.py",
    "demo/test_company.py",
    "accounts/test_membership.py",
    "sync/test_asked_amid.py",
)
_PLACES = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST_FIRST)}


def place(file: Path, tests: Mapping[Path, int], slow: Collection[Path] = ()) -> tuple[int, bool, int, Path]:
    """By what files are sorted; `tests` says how many each has, `slow` which hold a test marked as such."""
    return _PLACES.get(file, len(_PLACES)), file not in slow, -tests[file], file
