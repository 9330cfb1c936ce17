from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.common.sentences import split_sentences


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


PIECES = st.sampled_from(
    [
        "연차는 15일이다.",
        "He left. ",
        "Dr. ",
        "3.5",
        "\n",
        "\r\n",
        "\t",
        " ",
        "(",
        ")",
        '"',
        "“",
        "”",
        "「",
        "」",
        "...",
        "…",
        "?!",
        "。",
        "1. ",
        "가. ",
        "- ",
        "• ",
        "No. 5",
        "https://a.example/b.c",
        "me@x.example",
        "다.",
        "요",
        "[1]",
        "U.S.",
        "\u3000",
        "\ufeff",
        "😀",
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
@example("")
@example(" \n\t ")
@example("(" * 300 + "." + ")" * 300)
def test_every_visible_character_lies_in_exactly_one_sentence(text: str) -> None:
    spans = split_sentences(text)

    assert all(left[1] <= right[0] for left, right in pairwise(spans))
    assert all(start < end and text[start:end] == text[start:end].strip() for start, end in spans)
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())


@pytest.mark.parametrize(
    "sentences",
    [
        ["연차 휴가는 15일이다.", "3년 이상 근무하면 1일을 더한다."],
        ["신청서를 제출합니다.", "승인은 팀장이 해요.", "궁금한 점이 있나요?", "문의해 주세요!"],
        ["회의는 2024. 5. 3. 오전 10시에 시작한다.", "장소는 3.5층이다."],
        ["그는 “먼저 가세요. 곧 갈게요.”라고 말했다.", "그리고 남았다."],
        ["회사(주소: 서울. 강남)는 10시에 연다.", "문은 18시에 닫는다."],
        ["비용은 별도로 지급함.", "단, 식대는 제외함."],
        ["2010년에 설립되었다.[3]", "지금은 직원이 40명이다."],
        ["정말 좋다…", "그래도 비싸다."],
        ["Employees get 15 days.", "Unused days expire."],
        ["Dr. J. K. Lee of Acme Inc. paid 3.5% (see No. 5).", "He was late."],
        ["See https://intra.example/a.b/c?d=e.f. for details, e.g. the rates."],
        ["Write to hr.team@corp.example.", "They answer within 2.5 days."],
        ["Version v2.0.1 needs Python 3.11.", "Older ones fail."],
        ["It left the U.S.", "The move cost $1.5 million."],
        ["The U.S. Army came at 5 p.m. on Friday."],
        ['"Stay here."', "He left."],
        ["He asked “Why? When?” and left.", "Nobody knew."],
        ["Really?!", "Yes."],
        ["It opened in 1999.", "In 2004 it closed.[12]", "It is gone."],
    ],
)
def test_sentences_on_one_line_are_told_apart(sentences: list[str]) -> None:
    assert cut(" ".join(sentences)) == sentences


def test_korean_sentences_without_a_space_between_them_are_told_apart() -> None:
    assert cut(
        "연차는 15일이다.3년마다 하루를 더한다.남은 날은 이월된다.문의는 인사팀에 해요.「규정」을 보세요."
    ) == [
        "연차는 15일이다.",
        "3년마다 하루를 더한다.",
        "남은 날은 이월된다.",
        "문의는 인사팀에 해요.",
        "「규정」을 보세요.",
    ]


def test_numbers_and_list_letters_stay_with_what_they_number() -> None:
    text = (
        "1. 목적\n1.1 Scope of this policy\n가. 연차 휴가는 15일입니다. 나. 병가는 10일입니다.\n"
        "제3조 (휴가) 휴가를 준다."
    )

    assert cut(text) == [
        "1. 목적",
        "1.1 Scope of this policy",
        "가. 연차 휴가는 15일입니다.",
        "나. 병가는 10일입니다.",
        "제3조 (휴가) 휴가를 준다.",
    ]


def test_a_row_of_a_table_is_one_sentence() -> None:
    assert cut("직급\t한도\n부장\t50만 원. 초과 시 승인.\nStaff\t1. Meals") == [
        "직급\t한도",
        "부장\t50만 원. 초과 시 승인.",
        "Staff\t1. Meals",
    ]


def test_items_of_a_list_are_sentences_of_their_own() -> None:
    assert cut("Bring:\n- a passport\n- two photos. No hats.\n• 신분증 • 사진") == [
        "Bring:",
        "- a passport",
        "- two photos.",
        "No hats.",
        "• 신분증",
        "• 사진",
    ]


def test_lines_broken_by_the_page_width_are_read_as_one_sentence() -> None:
    english = (
        "Employees who have worked for a full year may carry over up to\nfive days of leave. Others may not."
    )
    korean = (
        "일 년 이상 근무한 직원은 사용하지 않은 연차 휴가를 다음 해로\n"
        "이월할 수 있다. 다른 직원은 할 수 없다."
    )

    assert len(cut(english)) == 2
    assert cut(korean)[0] == "일 년 이상 근무한 직원은 사용하지 않은 연차 휴가를 다음 해로\n이월할 수 있다."


def test_a_heading_does_not_run_into_the_text_below_it() -> None:
    assert cut("Annual Leave\nEmployees get 15 days.\n\n휴가 규정\n연차는 15일이다.") == [
        "Annual Leave",
        "Employees get 15 days.",
        "휴가 규정",
        "연차는 15일이다.",
    ]


@pytest.mark.parametrize("piece", ["(", "a.", '"', "다.", "[1].", "\n", "가. ", "J. ", "“", "…", "1. "])
def test_long_hostile_text_takes_little_time(piece: str) -> None:
    text = piece * (60_000 // len(piece))
    begun = time.perf_counter()

    split_sentences(text)

    assert time.perf_counter() - begun < 5
