"""An answer from an older version says so, with dates, and names what applies now."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistant.accounts.models import User
from assistant.chat import selectors
from assistant.chat.exporting import FORMATS, export_conversation
from assistant.chat.finding import ask
from assistant.chat.models import Citation, StoredEvent, Turn
from assistant.chat.reading import TurnView
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.common.types import Json
from assistant.guardrails.services import install_rules
from tests.conftest import SmallWorld
from tests.retrieval.test_retrieve import made_document, world_of

OLD = (
    "Superseded. Replaced on 2 March 2026 by HR-RW-2.0.\n\n"
    "Document HR-RW-1.1, in force from 1 February 2025 to 1 March 2026.\n\n"
    "Office staff may work from home one day a week, on Wednesday or Thursday."
)
NEW = """문서번호 HR-RW-2.0 · 시행일: 2026년 3월 2일

성수 본사 직원은 월요일을 제외하고 주 2일까지 재택근무를 할 수 있습니다."""
GARAGE = "Valid until 31 December 2025.\n\nThe garage behind the plant closes at 20:00 on every working day."
LAPTOPS = "Laptops are exchanged after four years. Ask the help desk for the form."
MUGS = "Every newcomer receives a budget of {} won for a chair on the first day."
# The newer guideline is the personnel department's: ann reads the older one alone.
DOCUMENTS: tuple[dict[str, Json], ...] = (
    made_document("remote-old", "staff", "Remote work guideline 2025", OLD, "2025-01-20T00:00:00Z"),
    made_document("remote-new", "hr", "재택근무 가이드라인 2026", NEW, "2026-02-20T00:00:00Z"),
    made_document("garage", "staff", "The garage", GARAGE, "2024-03-01T00:00:00Z"),
    made_document("laptops", "staff", "Laptops", LAPTOPS, "2026-05-04T15:30:00Z"),
    made_document("chairs", "staff", "First days", MUGS.format("300,000"), "2026-04-01T00:00:00Z"),
    made_document("chairs-hr", "hr", "Notice on chairs", MUGS.format("350,000"), "2026-06-01T00:00:00Z"),
)
CHAIR = "How much is the budget for a chair?"
HOME = "How many days a week may office staff work from home?"
THEN = "How many days a week could office staff work from home in 2025?"


@pytest.fixture
def world(
    people: dict[str, User], tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> SmallWorld:
    monkeypatch.setattr(timezone, "localdate", lambda: date(2026, 11, 22))
    return world_of(DOCUMENTS, tmp_path / "noted", settings)


def asked(world: SmallWorld, name: str, question: str) -> Turn:
    turn = start_turn(viewer=world.viewer(name), question=question, conversation_id=None)
    assert run_turn(turn.pk)
    return turn


def seen(world: SmallWorld, name: str, turn: Turn) -> TurnView:
    return selectors.turn(viewer=world.viewer(name), turn_id=turn.pk)


def test_an_older_version_is_quoted_with_what_replaced_it(world: SmallWorld) -> None:
    view = seen(world, "bob", asked(world, "bob", HOME))
    assert "one day a week" in view.sentences[0].text
    assert not view.sentences[0].short_answer  # nothing outdated leads in large letters
    (note,) = view.notes
    assert note.kind == "superseded"
    old, new = note.sources
    assert (old.title, old.day, old.dated, old.until) == (
        "Remote work guideline 2025",
        "2025-02-01",
        "effective",
        "2026-03-01",
    )
    assert (new.title, new.day) == ("재택근무 가이드라인 2026", "2026-03-02")
    assert note.text == (
        "“Remote work guideline 2025” [1] is an older version (in force since Feb. 1, 2025). "
        "Since March 2, 2026 “재택근무 가이드라인 2026” [2] applies."
    )
    assert {passage.n: passage.title for passage in view.passages}[new.n] == "재택근무 가이드라인 2026"


def test_a_question_in_the_language_of_the_newer_one_is_answered_from_it(world: SmallWorld) -> None:
    view = seen(world, "bob", asked(world, "bob", "재택근무는 주 며칠까지 할 수 있나요?"))
    assert "주 2일" in view.sentences[0].text
    assert view.notes == ()


def test_what_was_asked_for_by_its_year_needs_no_note(world: SmallWorld) -> None:
    view = seen(world, "bob", asked(world, "bob", THEN))
    assert "one day a week" in view.sentences[0].text
    assert view.notes == ()
    assert (view.passages[0].day, view.passages[0].dated) == ("2025-02-01", "effective")


def test_a_document_that_ended_says_so_where_nothing_newer_may_be_read(world: SmallWorld) -> None:
    (note,) = seen(world, "ann", asked(world, "ann", HOME)).notes
    assert note.kind == "ended"
    assert note.text == "“Remote work guideline 2025” [1] says that it held until March 1, 2026."
    (note,) = seen(world, "ann", asked(world, "ann", "When does the garage close?")).notes
    assert note.sources[0].until == "2025-12-31"


def test_a_source_without_a_date_of_its_own_has_its_sources(world: SmallWorld) -> None:
    view = seen(world, "ann", asked(world, "ann", "After how many years are laptops exchanged?"))
    assert view.notes == ()
    # 15:30 in London is the next day in Seoul.
    assert (view.passages[0].day, view.passages[0].dated) == ("2026-05-05", "changed")


def rows(value: Json) -> list[dict[str, Json]]:
    """A list of objects, as its reader takes it."""
    found: list[dict[str, Json]] = json.loads(json.dumps(value))
    return found


def test_the_api_has_notes_in_the_language_of_the_question_and_dates(world: SmallWorld) -> None:
    said = ask(HOME, viewer=world.viewer("bob"))
    notes, citations = rows(said["notes"]), rows(said["citations"])
    assert [note["kind"] for note in notes] == ["superseded"]
    assert "Since March 2, 2026" in str(notes[0]["text"])
    assert [source["external_id"] for source in rows(notes[0]["sources"])] == ["remote-old", "remote-new"]
    assert {one["external_id"]: (one["date"], one["date_kind"]) for one in citations} == {
        "remote-old": ("2025-02-01", "effective"),
        "remote-new": ("2026-03-02", "effective"),
    }


def test_sources_that_disagree_are_both_quoted_the_newest_first(world: SmallWorld) -> None:
    view = seen(world, "bob", asked(world, "bob", CHAIR))
    (note,) = view.notes
    assert note.kind == "conflict"
    assert [(one.title, one.day, one.dated) for one in note.sources] == [
        ("Notice on chairs", "2026-06-01", "changed"),
        ("First days", "2026-04-01", "changed"),
    ]
    assert ["350,000" in one.quote for one in note.sources] == [True, False]
    assert {one.n for one in note.sources} == {one.n for one in view.passages if one.cited}
    assert note.text.startswith("These sources disagree, the newest first:\n“Every newcomer receives")
    quoted = selectors.cited_source(viewer=world.viewer("bob"), turn_id=view.id, n=note.sources[0].n).quotes
    assert len(quoted) >= 1


def test_a_rule_masks_the_quotes_of_a_note(world: SmallWorld) -> None:
    install_rules([word_rule("newcomer", action="mask", stages=["answer"])], actor="test")
    (note,) = seen(world, "bob", asked(world, "bob", CHAIR)).notes
    assert not any("newcomer" in one.quote for one in note.sources)
    assert any("350,000" in one.quote for one in note.sources)


def test_a_rule_blocks_the_quotes_of_a_note(world: SmallWorld) -> None:
    install_rules([word_rule("350,000", action="block", stages=["answer"])], actor="test")
    said = ask(CHAIR, viewer=world.viewer("bob"))
    assert "350,000" not in json.dumps(said["notes"]) + str(said["answer"])


def word_rule(word: str, *, action: str, stages: list[str]) -> dict[str, Json]:
    return {
        "kind": "words",
        "name": word,
        "action": action,
        "stages": list(stages),
        "message": "",
        "enabled": True,
        "settings": {"words": [word]},
    }


def test_a_note_is_stored_without_titles(world: SmallWorld) -> None:
    turn = asked(world, "bob", HOME)
    stored = json.dumps(
        list(StoredEvent.objects.filter(turn=turn, kind="note").values_list("payload", flat=True)),
        ensure_ascii=False,
    )
    assert "superseded" in stored
    assert "재택" not in stored
    assert "guideline" not in stored
    assert Citation.objects.filter(turn=turn, document__external_id="remote-new").exists()


def test_files_and_pages_draw_the_note_with_its_dates(
    world: SmallWorld, people: dict[str, User], client: Client
) -> None:
    turn = asked(world, "bob", HOME)
    bob = world.viewer("bob")
    for kind in FORMATS:
        file = export_conversation(viewer=bob, conversation_id=turn.conversation_id, kind=kind)
        text = file.content.decode().replace("\\", "")
        assert "is an older version (in force since Feb. 1, 2025)" in text, kind
        assert "재택근무 가이드라인 2026" in text, kind
    client.force_login(people["bob"])
    page = client.get(reverse("web:conversation", args=[turn.conversation_id])).content.decode()
    assert 'data-note="superseded"' in page
    assert page.count(f'href="{reverse("web:cited-source", args=[turn.pk, 2])}"') >= 2
    assert "in force since March 2, 2026" in page
    client.cookies["django_language"] = "ko"
    page = client.get(reverse("web:conversation", args=[turn.conversation_id])).content.decode()
    assert "문서는 지난 판이에요(2025년 2월 1일 시행)." in page
    assert "2026년 3월 2일부터는 ‘재택근무 가이드라인 2026’" in page


def test_a_title_is_text_in_a_note(world: SmallWorld, people: dict[str, User], client: Client) -> None:
    world.documents["remote-new"]["title"] = "재택근무 가이드라인 2026 <b>%(old)s</b>"
    world.sync()
    turn = asked(world, "bob", HOME)
    client.force_login(people["bob"])
    page = client.get(reverse("web:conversation", args=[turn.conversation_id])).content.decode()
    assert "&lt;b&gt;%(old)s&lt;/b&gt;" in page
    assert "<b>%(old)s" not in page
