"""Comparisons, several questions, summaries and lists: in parts, each from what its asker may read."""

from __future__ import annotations

import pytest

from assistant.access.viewer import Viewer
from assistant.chat import selectors
from assistant.chat.events import NoAnswer
from assistant.chat.exporting import export_conversation
from assistant.chat.finding import ask
from assistant.chat.models import StoredEvent, Turn
from assistant.chat.reading import TurnView
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from tests.chat.test_written_answers import Serving, serving_model
from tests.chat.told_messages import told
from tests.conftest import SmallWorld
from tests.providers.scripted_model import writes

__all__ = ["serving_model"]

TRAVEL = {
    "domestic": (
        "국내 출장 안내",
        "국내 출장 일비는 하루 50,000원입니다. 국내 출장 보고서는 5일 안에 냅니다.",
    ),
    "abroad": ("해외 출장 안내", "해외 출장 일비는 하루 80달러입니다. 해외 출장은 2주 전에 승인을 받습니다."),
}
COMPARE = "국내 출장과 해외 출장 일비를 비교해 줘"


@pytest.fixture
def travel(small_world: SmallWorld) -> SmallWorld:
    """The small world with two guides: one for the staff, one for the personnel department only."""
    for name, (title, text) in TRAVEL.items():
        group = "group:hr" if name == "abroad" else "group:staff"
        small_world.documents[name] = {"id": name, "title": title, "text": text, "acl": {"allow": [group]}}
    small_world.sync()
    return small_world


def asked(viewer: Viewer, question: str) -> TurnView:
    turn = start_turn(viewer=viewer, question=question, conversation_id=None)
    assert run_turn(turn.pk)
    return selectors.turn(viewer=viewer, turn_id=turn.pk)


def test_a_comparison_stands_side_by_side_with_quotes_of_each_side(travel: SmallWorld) -> None:
    view = asked(travel.viewer("bob"), COMPARE)
    (row,) = view.rows
    assert [(part.title, part.layout) for part in row.parts] == [("국내 출장", "side"), ("해외 출장", "side")]
    domestic, abroad = (" ".join(one.text for one in part.sentences) for part in row.parts)
    assert "50,000원" in domestic
    assert "80달러" in abroad
    assert all(sentence.citations and sentence.quoted for sentence in view.sentences)


def test_a_side_that_may_not_be_read_is_an_empty_one_and_tells_nothing(travel: SmallWorld) -> None:
    view = asked(travel.viewer("ann"), COMPARE)
    shown = repr(view) + repr(list(StoredEvent.objects.filter(turn=view.id).values("payload")))
    assert [(part.title, len(part.sentences) > 0) for part in view.parts] == [
        ("국내 출장", True),
        ("해외 출장", False),
    ]
    assert "80달러" not in shown
    assert "해외 출장 안내" not in shown


def test_who_may_read_neither_side_gets_no_answer_and_no_headings(travel: SmallWorld) -> None:
    view = asked(travel.viewer("sam"), COMPARE)
    assert isinstance(view.outcome, NoAnswer)
    assert view.parts == ()


def test_several_questions_are_answered_one_after_the_other(small_world: SmallWorld) -> None:
    question = "How many days a week is remote work allowed? What is the guest network called?"
    view = asked(small_world.viewer("ann"), question)
    assert [part.title for part in view.parts] == [
        "How many days a week is remote work allowed?",
        "What is the guest network called?",
    ]
    first, second = view.parts
    assert "three days" in first.sentences[0].text
    assert "ondam-guest" in second.sentences[0].text


def test_a_summary_quotes_the_document_that_is_named(travel: SmallWorld) -> None:
    view = asked(travel.viewer("ann"), "국내 출장 안내 요약해 줘")
    assert {passage.external_id for passage in view.passages} == {"domestic"}
    assert len(view.sentences) == 2


def test_a_document_that_may_not_be_read_is_not_summarised(travel: SmallWorld) -> None:
    view = asked(travel.viewer("ann"), "해외 출장 안내 요약해 줘")
    assert "80달러" not in repr(view)
    assert "2주" not in repr(view)


def test_a_list_names_the_documents_that_may_be_read_and_no_other(travel: SmallWorld) -> None:
    question = "출장 관련 문서 목록 보여줘"
    bob, ann = asked(travel.viewer("bob"), question), asked(travel.viewer("ann"), question)
    assert {sentence.text for sentence in bob.sentences} == {"국내 출장 안내", "해외 출장 안내"}
    assert [sentence.text for sentence in ann.sentences] == ["국내 출장 안내"]
    assert bob.rows[0].layout == "list"
    assert "해외 출장 안내" not in repr(ann)


def test_a_listed_title_is_withheld_with_its_document(travel: SmallWorld) -> None:
    bob = travel.viewer("bob")
    view = asked(bob, "출장 관련 문서 목록 보여줘")
    travel.documents["abroad"]["acl"] = {"allow": ["group:executives"]}
    travel.groups["executives"]["members"] = ["user:cho@example.com"]
    travel.sync()
    after = selectors.turn(viewer=bob, turn_id=view.id)
    file = export_conversation(
        viewer=bob, conversation_id=Turn.objects.get(pk=view.id).conversation_id, kind="json"
    )
    assert "해외 출장 안내" not in repr(after)
    assert "해외 출장 안내" not in file.content.decode()


def test_headings_are_words_of_the_question_alone(travel: SmallWorld) -> None:
    asked(travel.viewer("bob"), COMPARE)
    titles = [event.payload["title"] for event in StoredEvent.objects.filter(kind="section")]
    assert titles
    assert all(title in COMPARE for title in titles)


def test_a_model_gets_the_evidence_by_parts_and_its_marks_become_headings(
    travel: SmallWorld, serving_model: Serving
) -> None:
    written = (
        "§1\n국내 출장 일비는 하루 50,000원입니다 [1].\n§2\n해외 출장 일비는 하루 80달러입니다 [2].\n"
        "§0\n국내는 원화로, 해외는 달러로 줍니다."
    )
    with serving_model(writes(written)) as server:
        view = asked(travel.viewer("bob"), COMPARE)
        (((_, rules), (_, evidence)),) = told(server)
    assert "§1 국내 출장" in rules
    assert 'part="1"' in evidence
    assert 'part="2"' in evidence
    assert [(part.title, len(part.sentences)) for part in view.parts] == [
        ("국내 출장", 1),
        ("해외 출장", 1),
        ("", 1),
    ]
    assert [sentence.citations != () for sentence in view.sentences] == [True, True, False]


def test_a_model_that_finds_nothing_for_one_part_leaves_it_empty(
    small_world: SmallWorld, serving_model: Serving
) -> None:
    written = "§1\nNO_ANSWER\n§2\nThe guest network is called ondam-guest [1]."
    with serving_model(writes(written)):
        view = asked(small_world.viewer("ann"), "Who founded Mars? What is the guest network called?")
    assert [(part.title, len(part.sentences)) for part in view.parts] == [
        ("Who founded Mars?", 0),
        ("What is the guest network called?", 1),
    ]


def test_an_answer_outside_a_conversation_has_its_headings_in_its_text(travel: SmallWorld) -> None:
    bob, ann = (ask(COMPARE, viewer=travel.viewer(name))["answer"] for name in ("bob", "ann"))
    assert isinstance(bob, str)
    domestic, abroad = bob.split("\n\n")
    assert domestic.startswith("국내 출장\n국내 출장 일비는 하루 50,000원입니다.")
    assert abroad.startswith("해외 출장\n해외 출장 일비는 하루 80달러입니다.")
    assert "80달러" not in str(ann)
