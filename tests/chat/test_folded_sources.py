"""What a cited passage stands for is named when somebody looks, and only what they may read then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import translation

from assistant.accounts.models import User
from assistant.chat import selectors
from assistant.chat.exporting import FORMATS, export_conversation, export_shared
from assistant.chat.finding import ask
from assistant.chat.models import Citation, StoredEvent, Turn
from assistant.chat.reading import CitedSource
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.chat.sharing import share_conversation, share_state, shared_source
from assistant.common.types import Json
from tests.conftest import SmallWorld
from tests.retrieval.test_retrieve import made_document, world_of

RULE = "Remote work is allowed three days a week with the consent of the team lead. "
RULE += "The laptop is locked whenever nobody sits at the desk."
OFFICE = "The office in Daejeon opens at 08:30 and closes at 19:00. Bicycles stand in the yard."
# Everybody on the staff may read what is cited; of what it stands for, some is the personnel department's.
DOCUMENTS: tuple[dict[str, Json], ...] = (
    made_document("rule", "staff", "Remote work rules", RULE, "2026-02-01T00:00:00Z"),
    made_document("rule-copy", "staff", "Notice on remote work", RULE, "2024-02-01T00:00:00Z"),
    made_document("rule-hr", "hr", "Secret copy of the department", RULE, "2023-02-01T00:00:00Z"),
    made_document("office-2026", "staff", "Office guide 2026", OFFICE, "2026-02-01T00:00:00Z"),
    made_document(
        "office-2024", "staff", "Office guide 2024", OFFICE.replace("08:30", "09:00"), "2024-02-01T00:00:00Z"
    ),
    made_document(
        "office-2023", "hr", "Office guide 2023", OFFICE.replace("08:30", "07:00"), "2023-02-01T00:00:00Z"
    ),
)
REMOTE = "How many days a week is remote work allowed?"
OPENS = "When does the office in Daejeon open?"


@pytest.fixture
def world(people: dict[str, User], tmp_path: Path, settings: LazySettings) -> SmallWorld:
    return world_of(DOCUMENTS, tmp_path / "folded", settings)


def asked(world: SmallWorld, name: str, question: str) -> Turn:
    turn = start_turn(viewer=world.viewer(name), question=question, conversation_id=None)
    assert run_turn(turn.pk)
    return turn


def first(world: SmallWorld, name: str, turn: Turn) -> CitedSource:
    return selectors.cited_source(viewer=world.viewer(name), turn_id=turn.pk, n=1)


def titles(source: CitedSource) -> tuple[set[str], set[str]]:
    """(of copies, of older versions)."""
    return {one.title for one in source.copies}, {one.title for one in source.older}


def test_a_source_names_its_copies_and_older_versions(world: SmallWorld) -> None:
    bob = first(world, "bob", asked(world, "bob", REMOTE))
    assert bob.document.external_id == "rule"
    assert titles(bob) == ({"Notice on remote work", "Secret copy of the department"}, set())
    ann = first(world, "ann", asked(world, "ann", REMOTE))
    assert titles(ann) == ({"Notice on remote work"}, set())
    opens = first(world, "bob", asked(world, "bob", OPENS))
    assert opens.document.external_id == "office-2026"
    assert titles(opens) == (set(), {"Office guide 2024", "Office guide 2023"})


def test_a_citation_keeps_ids_of_what_is_folded_and_no_words(world: SmallWorld) -> None:
    turn = asked(world, "bob", REMOTE)
    kept = json.dumps(list(Citation.objects.filter(turn=turn).values_list("folded", flat=True)))
    kept += json.dumps(list(StoredEvent.objects.filter(turn=turn).values_list("payload", flat=True)))
    assert '"duplicate"' in kept
    assert "Secret" not in kept
    assert "Notice" not in kept


def test_what_was_revoked_since_is_neither_named_nor_counted(world: SmallWorld) -> None:
    turn = asked(world, "bob", REMOTE)
    world.documents["rule-hr"]["acl"] = {"allow": ["group:executives"], "deny": ["user:bob@example.com"]}
    world.sync()
    assert titles(first(world, "bob", turn)) == ({"Notice on remote work"}, set())
    world.documents["rule-copy"]["acl"] = {"allow": ["user:sam@example.com"]}
    world.sync()
    assert first(world, "bob", turn).folded == ()


def test_what_has_another_text_now_is_no_copy_any_more(world: SmallWorld) -> None:
    turn = asked(world, "ann", REMOTE)
    world.documents["rule-copy"]["text"] = RULE.replace("three", "two")
    world.sync()
    assert first(world, "ann", turn).folded == ()


def test_a_source_that_changed_stands_for_nothing(world: SmallWorld) -> None:
    turn = asked(world, "ann", REMOTE)
    world.documents["rule"]["text"] = RULE.replace("three", "two")
    world.sync()
    source = first(world, "ann", turn)
    assert source.changed
    assert source.folded == ()


def test_the_reader_of_a_shared_link_is_told_only_what_is_theirs(world: SmallWorld) -> None:
    turn = asked(world, "bob", REMOTE)
    share_conversation(viewer=world.viewer("bob"), conversation_id=turn.conversation_id)
    token = share_state(viewer=world.viewer("bob"), conversation_id=turn.conversation_id).token
    seen = {
        name: shared_source(viewer=world.viewer(name), token=token, turn_id=turn.pk, n=1)
        for name in ("ann", "bob")
    }
    assert titles(seen["ann"]) == ({"Notice on remote work"}, set())
    assert len(seen["bob"].copies) == 2


def test_files_and_the_api_name_nothing_that_is_folded(world: SmallWorld) -> None:
    turn = asked(world, "bob", REMOTE)
    bob = world.viewer("bob")
    share_conversation(viewer=bob, conversation_id=turn.conversation_id)
    token = share_state(viewer=bob, conversation_id=turn.conversation_id).token
    shown = json.dumps(ask(REMOTE, viewer=world.viewer("ann")), ensure_ascii=False)
    for kind in FORMATS:
        shown += export_conversation(
            viewer=bob, conversation_id=turn.conversation_id, kind=kind
        ).content.decode()
        shown += export_shared(viewer=world.viewer("ann"), token=token, kind=kind).content.decode()
    assert "three days a week" in shown
    assert "Secret copy" not in shown


def panel(client: Client, user: User, path: str) -> str:
    client.force_login(user)
    response = client.get(path, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return response.content.decode()


def test_the_panel_links_what_the_reader_may_read(
    world: SmallWorld, people: dict[str, User], client: Client
) -> None:
    turn = asked(world, "bob", REMOTE)
    bob = world.viewer("bob")
    share_conversation(viewer=bob, conversation_id=turn.conversation_id)
    token = share_state(viewer=bob, conversation_id=turn.conversation_id).token
    own = panel(client, people["bob"], reverse("web:cited-source", args=[turn.pk, 1]))
    assert "The same text in 2 other documents" in own
    assert "Secret copy of the department" in own
    others = panel(client, people["ann"], reverse("web:shared-source", args=[token, turn.pk, 1]))
    assert "The same text in 1 other document" in others
    assert "Notice on remote work" in others
    assert "Secret copy" not in others
    (copy,) = first(world, "ann", asked(world, "ann", REMOTE)).copies
    assert f'href="{reverse("web:document", args=[copy.id])}"' in others
    opens = panel(client, people["ann"], reverse("web:cited-source", args=[asked(world, "ann", OPENS).pk, 1]))
    assert "Older version:" in opens
    assert "Office guide 2024" in opens
    assert "Office guide 2023" not in opens


def test_the_panel_says_it_in_korean(world: SmallWorld, people: dict[str, User], client: Client) -> None:
    turn, office = asked(world, "bob", REMOTE), asked(world, "bob", OPENS)
    client.cookies["django_language"] = "ko"
    with translation.override("ko"):
        copies = panel(client, people["bob"], reverse("web:cited-source", args=[turn.pk, 1]))
        older = panel(client, people["bob"], reverse("web:cited-source", args=[office.pk, 1]))
    assert "같은 내용의 문서 2건 더 보기" in copies
    assert "이전 버전:" in older
