"""Tables read whole for a calculation: nothing of one leaves for who may not read it, by any way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync

from assistant.accounts.models import User
from assistant.chat import selectors
from assistant.chat.answering import Answer, ModelUse, answer, named_chat_model
from assistant.chat.events import NumberedEvent, Status, Token, Withheld, to_payload
from assistant.chat.exporting import FORMATS, export_conversation, export_shared
from assistant.chat.finding import ask
from assistant.chat.models import Turn
from assistant.chat.runner import run_turn
from assistant.chat.services import follow_turn, start_turn
from assistant.chat.sharing import share_conversation, share_state, shared_conversation
from tests.chat.table_files import TableFiles, csv_of, table_files_in

SUM = "출장비 합계가 얼마예요?"
FIGURE = "494,500"
HIDDEN = (("날짜", "이름", "지역", "출장비"), ("2026-07-09", "비밀요원", "제주", "7,777,777원"))


@pytest.fixture
def files(people: Mapping[str, User], tmp_path: Path) -> TableFiles:
    """The tables."""
    return table_files_in(tmp_path)


def _turn(files: TableFiles, name: str) -> Turn:
    turn = start_turn(viewer=files.viewer(name), question=SUM, conversation_id=None)
    assert run_turn(turn.pk)
    return turn


def _told(files: TableFiles, name: str, question: str) -> str:
    found = ask(question, viewer=files.viewer(name))
    return json.dumps({**found, "ms": 0}, ensure_ascii=False)


QUESTIONS = (
    SUM,
    "제주 출장비 합계",
    "비밀요원의 출장비는?",
    "How many vendors are in Seoul?",
    "출장비가 가장 많은 이름은?",
    "연봉 합계",
)


def test_a_hidden_table_changes_no_byte_of_any_answer(files: TableFiles) -> None:
    before = [_told(files, "ann", question) for question in QUESTIONS]
    assert FIGURE in before[0]
    files.put("출장비_비밀.csv", csv_of(HIDDEN), "cho")
    files.sync()
    assert "7,777,777" in _told(files, "cho", "제주 출장비 합계")
    assert [_told(files, "ann", question) for question in QUESTIONS] == before


PRICES = (("제품", "단가"), ("밸브", "12,000원"), ("비밀펌프", "930,000원"))
PRICIEST = "2026년 가격표에서 가장 비싼 제품은 무엇인가요?"
LOOSE = "2026년 가격표는 영업본부가 관리하는 문서이다. 제품 가격은 분기마다 검토하고 가격표에 적는다."


def test_a_question_over_a_hidden_table_is_refused_as_if_there_were_none(files: TableFiles) -> None:
    files.put("가격표_안내.txt", LOOSE.encode(), "ann", "cho")
    files.sync()
    assert "영업본부" in _told(files, "ann", "2026년 가격표는 어디에서 관리하나요?")
    before = _told(files, "ann", PRICIEST)
    assert '"no_answer": true' in before
    assert "영업본부" not in before
    files.put("가격표_2026.csv", csv_of(PRICES), "cho")
    files.sync()
    assert "비밀펌프" in _told(files, "cho", PRICIEST)
    assert _told(files, "ann", PRICIEST) == before


BUDGETS = (("팀", "2025 비밀예산", "2026 비밀예산"), ("개발팀", "120", "140"), ("영업팀", "80", "95"))
BUDGET = "비밀예산 합계가 얼마예요?"


@pytest.mark.django_db(transaction=True)
def test_why_a_table_gave_no_figure_is_told_only_to_who_may_read_it_now(
    files: TableFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.chat.services.ensure_running", lambda _turn: None)  # it is run here
    before = _told(files, "cho", BUDGET)
    files.put("예산표.csv", csv_of(BUDGETS), "ann", "bob")
    files.sync()
    assert _told(files, "cho", BUDGET) == before
    ann, bob = files.viewer("ann"), files.viewer("bob")
    turn = start_turn(viewer=ann, question=BUDGET, conversation_id=None)
    assert run_turn(turn.pk)
    share_conversation(viewer=ann, conversation_id=turn.conversation_id)
    token = share_state(viewer=ann, conversation_id=turn.conversation_id).token

    def streamed() -> str:
        async def follow() -> list[NumberedEvent]:
            return [one async for one in follow_turn(viewer=ann, turn_id=turn.pk, after=0)]

        return repr([to_payload(one.event) for one in async_to_sync(follow)()])

    def shown_to_ann() -> str:
        saved = [
            export_conversation(viewer=ann, conversation_id=turn.conversation_id, kind=kind).content.decode()
            for kind in FORMATS
        ]
        return repr((selectors.turn(viewer=ann, turn_id=turn.pk), saved, streamed()))

    for shown in (
        shown_to_ann(),
        streamed(),
        repr(shared_conversation(viewer=bob, token=token)),
        export_shared(viewer=bob, token=token, kind="md").content.decode(),
    ):
        assert "2025 비밀예산" in shown
    theirs = shared_conversation(viewer=files.viewer("cho"), token=token)
    assert "2025 비밀예산" not in repr(theirs)
    assert "예산표" not in repr(theirs)
    files.readers["예산표.csv"] = ("bob",)
    files.sync()
    assert "2025 비밀예산" not in shown_to_ann()
    assert "예산표" not in shown_to_ann()
    assert "2025 비밀예산" in repr(shared_conversation(viewer=bob, token=token))


def test_a_stranger_is_told_no_figure_and_no_name(files: TableFiles) -> None:
    for question in QUESTIONS:
        told = _told(files, "sam", question)
        assert '"calculated": ""' in told
        assert '"short_answer": ""' in told
        assert "출장비_2026" not in told


def test_a_table_that_is_revoked_between_reading_and_release_is_withheld(files: TableFiles) -> None:
    ann = files.viewer("ann")
    into = Answer()
    events = []
    for event in answer(SUM, viewer=ann, model=named_chat_model(ModelUse(ann)), into=into):
        events.append(event)
        if event == Status("writing"):
            files.readers["출장비_2026.csv"] = ("bob",)
            files.sync()
    assert not any(isinstance(event, Token) for event in events)
    assert isinstance(events[-1], Withheld)


def test_a_revoked_table_takes_its_figure_out_of_history_export_and_share(files: TableFiles) -> None:
    turn = _turn(files, "ann")
    ann, bob = files.viewer("ann"), files.viewer("bob")
    share_conversation(viewer=ann, conversation_id=turn.conversation_id)
    token = share_state(viewer=ann, conversation_id=turn.conversation_id).token

    def shown_to_ann() -> str:
        view = selectors.conversation(viewer=ann, conversation_id=turn.conversation_id)
        files = [
            export_conversation(viewer=ann, conversation_id=turn.conversation_id, kind=kind)
            for kind in ("md", "json", "html")
        ]
        return repr(view) + repr([file.content for file in files])

    assert FIGURE in shown_to_ann()
    assert FIGURE in repr(shared_conversation(viewer=bob, token=token))
    assert FIGURE not in repr(shared_conversation(viewer=files.viewer("sam"), token=token))
    files.readers["출장비_2026.csv"] = ("bob",)
    files.sync()
    assert FIGURE not in shown_to_ann()
    assert FIGURE in repr(shared_conversation(viewer=bob, token=token))
