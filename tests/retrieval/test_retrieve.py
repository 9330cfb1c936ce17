"""What retrieval makes of the index's proposals, in the real index under the real permissions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import transaction

from assistant.access import mask
from assistant.accounts.models import User
from assistant.chat.finding import search
from assistant.common.types import Json
from assistant.index.registry import opened_index
from assistant.retrieval.retrieve import Evidence, Plan, retrieve
from assistant.sync.services import add_source
from tests.conftest import GROUPS, SmallWorld

RULE = (
    "Remote work needs the consent of the team lead and a quiet room at home. "
    "The laptop is locked whenever nobody sits at the desk, and screens are never turned to a window."
)
OFFICE = "The office in Daejeon opens at 08:30 and closes at 19:00. Remote work is entered in the calendar."


def made_document(name: str, group: str, title: str, text: str, modified: str) -> dict[str, Json]:
    return {
        "id": name,
        "title": title,
        "text": text,
        "modified": modified,
        "acl": {"allow": [f"group:{group}"]},
    }


# The newest copy and the newest version are for the personnel department only.
DOCUMENTS = (
    made_document("rule", "staff", "Remote work rules", RULE, "2024-02-01T00:00:00Z"),
    made_document("rule-copy", "staff", "Rules for remote work", RULE, "2025-02-01T00:00:00Z"),
    made_document("rule-hr", "hr", "Remote work rules of the department", RULE, "2026-02-01T00:00:00Z"),
    made_document("office-2023", "staff", "Office guide 2023", OFFICE, "2023-02-01T00:00:00Z"),
    made_document(
        "office-2024", "staff", "Office guide 2024", OFFICE.replace("08:30", "09:00"), "2024-02-01T00:00:00Z"
    ),
    made_document(
        "office-2026", "hr", "Office guide 2026", OFFICE.replace("08:30", "07:30"), "2026-02-01T00:00:00Z"
    ),
)
QUERIES = (
    "remote work",
    "consent of the team lead",
    "when does the office open",
    "office in 2023",
    "laptop desk",
)

Fold = tuple[str, list[tuple[str, str]]]


def folds(evidence: Evidence) -> list[Fold]:
    """(document, [(folded document, reason)]) of each hit."""
    return [
        (hit.passage.external_id, [(one.passage.external_id, one.reason.value) for one in hit.folded])
        for hit in evidence.hits
    ]


@pytest.fixture
def rules(people: dict[str, User], tmp_path: Path, settings: LazySettings) -> SmallWorld:
    """The people of the small world, with copies and versions."""
    return world_of(DOCUMENTS, tmp_path / "rules", settings)


def asked(world: SmallWorld, name: str, query: str, plan: Plan) -> Evidence:
    return retrieve(query, viewer=world.viewer(name), plan=plan)


FOLDING = Plan(k=8, fold=True)


def test_copies_and_older_versions_are_folded_by_what_each_person_may_read(rules: SmallWorld) -> None:
    seen = {name: dict(folds(asked(rules, name, "remote work", FOLDING))) for name in ("ann", "bob", "sam")}
    assert seen["ann"] == {
        "rule-copy": [("rule", "duplicate")],
        "office-2024": [("office-2023", "superseded")],
    }
    assert {name: sorted(below) for name, below in seen["bob"].items()} == {
        "rule-hr": [("rule", "duplicate"), ("rule-copy", "duplicate")],
        "office-2026": [("office-2023", "superseded"), ("office-2024", "superseded")],
    }
    assert seen["sam"] == {}


def test_without_the_wish_nothing_is_folded(rules: SmallWorld) -> None:
    evidence = asked(rules, "bob", "remote work", Plan(k=8))
    assert {document["id"] for document in DOCUMENTS} == {hit.passage.external_id for hit in evidence.hits}
    assert all(not hit.folded for hit in evidence.hits)


def test_an_older_version_that_is_asked_for_stands_by_itself(rules: SmallWorld) -> None:
    found = dict(folds(asked(rules, "ann", "when did the office open in 2023", FOLDING)))
    assert "office-2023" in found


def test_folding_makes_room_for_others(rules: SmallWorld) -> None:
    assert len(asked(rules, "bob", "remote work", Plan(k=2, fold=True)).hits) == 2
    assert (
        len(
            {
                hit.passage.external_id[:4]
                for hit in asked(rules, "bob", "remote work", Plan(2, fold=True)).hits
            }
        )
        == 2
    )


def test_a_folded_hit_has_the_scores_of_the_best_of_its_group(rules: SmallWorld) -> None:
    plain = asked(rules, "bob", "remote work", Plan(k=8)).hits
    for hit in asked(rules, "bob", "remote work", FOLDING).hits:
        group = {hit.passage.chunk_id, *(one.passage.chunk_id for one in hit.folded)}
        assert hit.score == max(one.score for one in plain if one.passage.chunk_id in group)


def test_a_search_lists_what_is_folded_and_only_to_those_who_may_read_it(rules: SmallWorld) -> None:
    hits = search("remote work", viewer=rules.viewer("ann"), k=5)
    assert {str(hit["external_id"]): hit["also"] for hit in hits} == {
        "rule-copy": [{"external_id": "rule", "title": "Remote work rules", "reason": "duplicate"}],
        "office-2024": [{"external_id": "office-2023", "title": "Office guide 2023", "reason": "superseded"}],
    }
    shown = json.dumps(hits)
    assert "of the department" not in shown
    assert "2026" not in shown


def world_of(documents: tuple[dict[str, Json], ...], home: Path, settings: LazySettings) -> SmallWorld:
    settings.MUNDAP_INDEX_DIR = home / "index"
    mask.forget()
    opened_index.cache_clear()
    home.mkdir(parents=True)
    world = SmallWorld(
        file=home / "world.jsonl",
        source_id=0,
        documents={str(document["id"]): dict(document) for document in documents},
        groups={str(group["group"]): dict(group) for group in GROUPS},
    )
    world.write()
    world.source_id = add_source(kind="jsonl", name="world", config={"path": str(world.file)}, actor="test")
    assert world.sync().state == "succeeded"
    return world


def seen_with_and_without(
    look: Callable[[SmallWorld], str],
    tmp_path: Path,
    settings: LazySettings,
    documents: tuple[dict[str, Json], ...] = DOCUMENTS,
) -> tuple[str, str]:
    """What `look` tells where the personnel department's documents are there, and where they never were."""
    told: list[str] = []
    public = tuple(document for document in documents if "group:hr" not in json.dumps(document["acl"]))
    assert len(public) < len(documents)
    for name, part in (("full", documents), ("alone", public)):
        with transaction.atomic():
            told.append(look(world_of(part, tmp_path / name, settings)))
            transaction.set_rollback(True)
        mask.forget()
    return told[0], told[1]


def test_hidden_copies_and_hidden_newer_versions_change_no_byte(
    people: dict[str, User], tmp_path: Path, settings: LazySettings
) -> None:
    def look(world: SmallWorld) -> str:
        hits = [search(query, viewer=world.viewer("ann"), k=5) for query in QUERIES]
        return json.dumps([[{**hit, "document": 0} for hit in found] for found in hits])

    full, alone = seen_with_and_without(look, tmp_path, settings)
    assert full == alone
    assert '"duplicate"' in full
    assert '"superseded"' in full
