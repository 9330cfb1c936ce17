"""Calculated answers: worked out from one whole table, marked so, cited by its rows, and refused in doubt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest
from django.test import Client

from assistant.access.viewer import Viewer
from assistant.accounts.models import User
from assistant.chat import selectors
from assistant.chat.events import NoAnswer, Token
from assistant.chat.exporting import export_conversation
from assistant.chat.files import remove_file
from assistant.chat.finding import ask
from assistant.chat.models import StoredEvent, Turn
from assistant.chat.reading import TurnView
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from tests.chat.files import added
from tests.chat.table_files import TableFiles, csv_of, table_files_in
from tests.chat.test_written_answers import Serving, serving_model
from tests.guardrails.rules import publish, written
from tests.providers.scripted_model import writes

__all__ = ["serving_model"]

SUM = "출장비 합계가 얼마예요?"


@pytest.fixture
def files(people: Mapping[str, User], tmp_path: Path) -> TableFiles:
    """The tables."""
    return table_files_in(tmp_path)


def asked(viewer: Viewer, question: str) -> TurnView:
    turn = start_turn(viewer=viewer, question=question, conversation_id=None)
    assert run_turn(turn.pk)
    return selectors.turn(viewer=viewer, turn_id=turn.pk)


def calculated(view: TurnView) -> list[Token]:
    return [sentence for sentence in view.sentences if sentence.calculated]


@pytest.mark.parametrize(
    ("question", "how", "short"),
    [
        (SUM, "sum", "494,500원"),
        ("2026년 3분기 출장비 합계는?", "sum", "430,500원"),
        ("2026년 3분기 출장비 평균", "average", "143,500원"),
        ("서울 출장비 합계", "sum", "200,500원"),
        ("How many vendors are in Seoul?", "count", "2"),
        ("Which product is most expensive?", "most", "Pump"),
        ("Aster와 Cedar의 unit price 차이", "difference", "32.75 USD"),
        ("What is the unit price of Birch?", "cell", "310"),
        ("지역별 출장비 합계", "sum", ""),
        ("10만 원 이상인 출장비 합계", "sum", "350,000원"),
        ("2026년 7월부터 8월까지 출장비 합계", "sum", "430,500원"),
        ("How many vendors have a unit price over 40?", "count", "2"),
    ],
)
def test_a_figure_is_worked_out_and_says_from_which_rows(
    files: TableFiles, question: str, how: str, short: str
) -> None:
    (sentence,) = asked(files.viewer("ann"), question).sentences
    assert (sentence.calculated, sentence.short_answer, sentence.citations) == (how, short, (1,))


def test_the_quotes_are_the_heading_and_exactly_the_rows_that_carry_the_figure(files: TableFiles) -> None:
    ann = files.viewer("ann")
    view = asked(ann, "서울 출장비 합계")
    source = selectors.cited_source(viewer=ann, turn_id=view.id, n=1)
    (block,) = source.document.blocks
    assert [block.text[start:end].replace("\t", "|") for start, end in source.quotes] == [
        "날짜|이름|지역|출장비\n2026-07-03|김하늘|서울|120,000원",
        "2026-08-11|박가람|서울|80,500원",
    ]
    assert source.passage == (block.start, block.end)


def test_the_total_row_is_not_added_and_the_sentence_says_so(files: TableFiles) -> None:
    (sentence,) = asked(files.viewer("ann"), SUM).sentences
    assert "4개 행" in sentence.text
    assert "합계 행은 넣지 않음" in sentence.text


def test_a_calculation_survives_being_stored_and_drawn_again(files: TableFiles) -> None:
    view = asked(files.viewer("ann"), SUM)
    payload = StoredEvent.objects.get(turn=view.id, kind="token").payload
    assert payload["calculated"] == "sum"
    start, end = payload["short"]
    assert payload["text"][start:end] == "494,500원"


def test_the_command_and_every_file_say_that_it_is_calculated(files: TableFiles) -> None:
    ann = files.viewer("ann")
    told = ask(SUM, viewer=ann)
    assert (told["calculated"], told["short_answer"]) == ("sum", "494,500원")
    conversation = Turn.objects.get(pk=asked(ann, SUM).id).conversation_id
    exported = {
        kind: export_conversation(viewer=ann, conversation_id=conversation, kind=kind).content.decode()
        for kind in ("md", "html", "json")
    }
    assert "(calculated)" in exported["md"]
    assert "(calculated)" in exported["html"]
    (sentence,) = json.loads(exported["json"])["turns"][0]["answer"]
    assert (sentence["calculated"], sentence["short_answer"]) == ("sum", "494,500원")


def test_the_page_marks_a_calculation_and_a_single_cell(files: TableFiles) -> None:
    client = Client()
    client.force_login(User.objects.get(email="ann@example.com"))
    for question, word in ((SUM, "calculated"), ("What is the unit price of Birch?", "read from a table")):
        view = asked(files.viewer("ann"), question)
        page = client.get(f"/turns/{view.id}/", headers={"accept-language": "en"}).content.decode()
        assert f'<span class="calculated-word">{word}</span' in page
        assert f'<strong class="short">{view.sentences[0].short_answer}</strong>' in page


def test_a_language_model_is_not_asked_for_what_was_calculated(
    files: TableFiles, serving_model: Serving
) -> None:
    with serving_model(writes("The total is 7 won [1].")) as server:
        (sentence,) = asked(files.viewer("ann"), SUM).sentences
    assert sentence.short_answer == "494,500원"
    assert server.seen == []


def test_what_a_language_model_adds_up_by_itself_has_no_source(
    files: TableFiles, serving_model: Serving
) -> None:
    with serving_model(writes("서울과 부산 출장비를 더하면 999,999원입니다 [1].")):
        (sentence,) = asked(files.viewer("ann"), "출장비가 제일 부담되는 지역들은 왜 그런가요?").sentences
    assert (sentence.calculated, sentence.citations) == ("", ())


BUDGETS = (("팀", "2025 예산", "2026 예산"), ("개발팀", "120", "140"), ("영업팀", "80", "95"))
BUDGET = "예산 합계가 얼마예요?"


def test_a_table_that_was_meant_and_gives_no_figure_says_why_wherever_it_is_shown(files: TableFiles) -> None:
    files.put("예산표.csv", csv_of(BUDGETS), "ann")
    files.sync()
    ann = files.viewer("ann")
    view = asked(ann, BUDGET)
    assert isinstance(view.outcome, NoAnswer)
    (note,) = view.notes
    assert (note.kind, note.why, note.columns) == ("uncalculated", "columns", ("2025 예산", "2026 예산"))
    assert [(one.n, one.cited) for one in view.passages if one.cited] == [(note.sources[0].n, True)]
    assert selectors.cited_source(viewer=ann, turn_id=view.id, n=note.sources[0].n).passage
    client = Client()
    client.force_login(User.objects.get(email="ann@example.com"))
    page = client.get(f"/turns/{view.id}/", headers={"accept-language": "ko"}).content.decode()
    assert "질문에 맞는 표가 있지만 계산하지 않았어요" in page
    assert page.count("질문에 맞는 열이 여러 개예요") == 1
    assert "질문에 맞는 열이 여러 개예요: “2025 예산”, “2026 예산”" in page
    page = client.get(f"/turns/{view.id}/", headers={"accept-language": "en"}).content.decode()
    assert "Several columns fit: “2025 예산”, “2026 예산”" in page
    told = ask(BUDGET, viewer=ann)
    assert told["no_answer"]
    (said,) = cast("list[dict[str, object]]", told["notes"])
    assert (said["kind"], said["why"], said["columns"]) == (
        "uncalculated",
        "columns",
        ["2025 예산", "2026 예산"],
    )
    conversation = Turn.objects.get(pk=view.id).conversation_id
    for kind in ("md", "html", "json"):
        file = export_conversation(viewer=ann, conversation_id=conversation, kind=kind).content.decode()
        assert "Several columns fit" in file.replace("\\", "")


def test_of_a_question_that_names_no_table_nothing_is_noted(files: TableFiles) -> None:
    for question in ("2024년 출장비 합계", "마케팅비 합계가 얼마예요?", "Birch의 마진은?"):
        assert asked(files.viewer("ann"), question).notes == ()


def test_a_file_that_is_removed_takes_the_note_on_its_table_along(files: TableFiles) -> None:
    ann = files.viewer("ann")
    row = added(ann, "예산.csv", csv_of(BUDGETS).decode())
    turn = start_turn(viewer=ann, question=BUDGET, conversation_id=row.conversation_id, files="only")
    assert run_turn(turn.pk)
    assert [note.why for note in selectors.turn(viewer=ann, turn_id=turn.pk).notes] == ["columns"]
    assert remove_file(viewer=ann, conversation_id=row.conversation_id, file_id=row.pk)
    assert selectors.turn(viewer=ann, turn_id=turn.pk).notes == ()
    assert not StoredEvent.objects.filter(turn=turn, kind="note").exists()


def test_two_tables_that_fit_alike_are_not_chosen_between(files: TableFiles) -> None:
    other = (("날짜", "이름", "지역", "출장비"), ("2026-09-03", "최나래", "광주", "999,000원"))
    files.put("출장비_2026_해외팀.csv", csv_of(other), "ann")
    files.sync()
    view = asked(files.viewer("ann"), SUM)
    assert calculated(view) == []
    assert [(note.why, len(note.sources)) for note in view.notes] == [("tables", 2)]
    (bobs,) = calculated(asked(files.viewer("bob"), SUM))
    assert bobs.short_answer == "494,500원"


def test_amounts_in_two_currencies_are_not_added(files: TableFiles) -> None:
    files.put("해외비용.csv", csv_of((("항목", "해외비용"), ("호텔", "120 EUR"), ("항공", "300 USD"))), "ann")
    files.sync()
    view = asked(files.viewer("ann"), "해외비용 합계가 얼마예요?")
    assert calculated(view) == []
    assert [(note.why, note.columns) for note in view.notes] == [("mixed_units", ("해외비용",))]


def test_a_table_with_a_masked_cell_is_not_calculated_with(files: TableFiles) -> None:
    contacts = (("이름", "연락처", "방문횟수"), ("가", "010-8765-4321", "3"), ("나", "02-123-4567", "4"))
    files.put("방문.csv", csv_of(contacts), "ann")
    files.sync()
    question = "방문횟수 합계는?"
    assert [one.short_answer for one in calculated(asked(files.viewer("ann"), question))] == ["7"]
    publish(written("personal_data", "Hide", kinds=["phone"]))
    view = asked(files.viewer("ann"), question)
    assert calculated(view) == []
    assert [(note.why, note.columns) for note in view.notes] == [("masked", ())]


def test_who_may_not_read_a_table_is_told_nothing_of_it(files: TableFiles) -> None:
    question = "연봉 합계가 얼마예요?"
    (known,) = calculated(asked(files.viewer("cho"), question))
    assert known.short_answer == "5억 3,000만 원"
    view = asked(files.viewer("ann"), question)
    assert calculated(view) == []
    assert "3,000만" not in repr(view)


def test_a_table_in_a_file_of_the_conversation_is_calculated_with_there_and_nowhere_else(
    files: TableFiles,
) -> None:
    ann = files.viewer("ann")
    row = added(ann, "간식비.csv", "품목,간식비\n과자,12000\n커피,30500\n")
    question = "간식비 합계가 얼마예요?"
    for scope in ("joined", "only"):
        turn = start_turn(viewer=ann, question=question, conversation_id=row.conversation_id, files=scope)
        assert run_turn(turn.pk)
        (sentence,) = selectors.turn(viewer=ann, turn_id=turn.pk).sentences
        assert (sentence.calculated, sentence.short_answer) == ("sum", "42,500")
    assert calculated(asked(ann, question)) == []
    alone = start_turn(viewer=ann, question=SUM, conversation_id=row.conversation_id, files="only")
    assert run_turn(alone.pk)
    assert "494,500" not in repr(selectors.turn(viewer=ann, turn_id=alone.pk))
