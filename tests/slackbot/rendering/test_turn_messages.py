"""Every event of a turn is drawn for Slack, or is knowingly not."""

from __future__ import annotations

from dataclasses import fields

import pytest
from django.utils import translation

from assistant.chat.events import (
    KINDS,
    Blocked,
    Citations,
    Done,
    Failed,
    NoAnswer,
    Note,
    NotedSource,
    Searched,
    Section,
    Status,
    Token,
    TurnEvent,
    Withheld,
)
from assistant.slackbot.rendering.messages import Where
from tests.slackbot.block_rules import every_part, message_problems
from tests.slackbot.rendering.seen import (
    ADDRESS,
    answered,
    bold,
    buttons,
    drawing,
    drawn,
    kinds,
    passage,
    seen,
    texts,
)

LEAVE = Token("Leave is 15 days a year.", (1,), quoted=True, short=(9, 16))
RULES = passage(1, "Leave rules", place="3", place_kind="page", url="https://wiki.example/leave")
OLD = passage(2, "Leave rules 2024")
SUPERSEDED = Note(
    "superseded",
    (
        NotedSource(2, 102, "2024-01-01", "effective", until="2024-12-31"),
        NotedSource(1, 101, "2025-01-01", "effective"),
    ),
)
CONFLICT = Note(
    "conflict",
    (
        NotedSource(1, 101, "2025-01-01", "effective", quote="15 days"),
        NotedSource(2, 102, "2024-01-01", "written", quote="14 days"),
    ),
)
ENDED = Note("ended", (NotedSource(2, 102, "2024-01-01", "effective", until="2024-12-31"),))
UNCALCULATED = Note("uncalculated", (NotedSource(1, 101, "", ""),), why="columns", columns=("Cost", "Price"))

# Of each event: what is seen of its fields in a direct message, and in a channel. A field that is not named
# here fails the walk below.
EXAMPLES: dict[str, tuple[TurnEvent, dict[str, str], set[str]]] = {
    "status": (Status("reading", 6), {"step": "Reading", "documents": "6 documents"}, set()),
    "searched": (Searched("How much leave in 2026?"), {"question": "How much leave in 2026?"}, set()),
    "section": (Section("Leave of new hires"), {"title": "Leave of new hires", "layout": ""}, set()),
    "token": (
        Token("Leave is 15 days.", (4,), quoted=True, calculated="sum", short=(9, 16)),
        {"text": "Leave is 15 days.", "citations": "[4]", "calculated": "(calculated)", "short": "15 days"},
        {"quoted", "general"},  # `general` has a test of its own; `quoted` decides at the door
    ),
    "note": (SUPERSEDED, {"kind": "older version", "sources": "Leave rules 2024"}, {"why", "columns"}),
    "citations": (Citations((RULES,)), {"passages": "Leave rules"}, set()),
    "blocked": (
        Blocked("Shares", "Ask the legal team."),
        {"topic": "Shares", "message": "legal team"},
        set(),
    ),
    "no_answer": (NoAnswer(1234), {"documents": "1,234 documents were searched."}, set()),
    "withheld": (Withheld(), {}, set()),
    "failed": (
        Failed("model_unavailable", "ab12"),
        {"code": "can’t be reached", "reference": "ab12"},
        set(),
    ),
    "done": (Done(12, stopped=True), {"stopped": "This answer was stopped."}, {"ms"}),
}


def test_every_kind_of_event_has_an_example() -> None:
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_an_event_is_drawn_or_knowingly_left_out(kind: str) -> None:
    event, wanted, left_out = EXAMPLES[kind]
    assert {field.name for field in fields(KINDS[kind])} == {*wanted, *left_out}
    before = [LEAVE] if kind in ("note", "citations") else []
    after: list[TurnEvent] = [Citations((RULES, OLD)), Done(1)] if kind == "note" else []
    after = [Done(1)] if kind in ("citations", "no_answer", "token", "section") else after
    message = drawn(*before, event, *after)
    for words in wanted.values():
        assert words in seen(message.blocks)
    assert message_problems(message.text, message.blocks) == []


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("where", Where)
@pytest.mark.parametrize("kind", KINDS)
def test_a_message_is_valid_after_every_event(kind: str, where: Where, language: str) -> None:
    with translation.override(language):
        message = drawn(EXAMPLES[kind][0], where=where)
    assert message_problems(message.text, message.blocks) == []


def test_a_turn_shows_what_is_being_done_until_it_is_over() -> None:
    turn = drawing()
    assert turn.message().text == "Searching"
    turn.take(Status("reading", 6))
    assert turn.message().text == "Reading 6 documents"
    turn.take(Status("writing"))
    turn.take(LEAVE)
    growing = turn.message()
    before = turn.over
    assert "Writing" in seen(growing.blocks)
    assert growing.text == "Leave is 15 days a year."
    assert buttons(growing.blocks) == {}
    turn.take(Citations((RULES,)))
    turn.take(Done(9))
    assert (before, turn.over) == (False, True)
    assert "Writing" not in seen(turn.message().blocks)


def test_a_short_answer_leads_in_bold_and_sentences_carry_their_numbers() -> None:
    message = drawn(LEAVE, Token("Unused days end in June.", (1, 2)), Citations((RULES, OLD)), Done(1))
    assert bold(message.blocks)[:2] == ["15 days", "15 days"]
    assert "15 days\nLeave is 15 days a year. [1] Unused days end in June. [1][2]" in seen(message.blocks)
    assert "[1] Leave rules · Handbook · Page 3\n[2] Leave rules 2024 · Handbook" in seen(message.blocks)


def test_a_short_answer_that_is_the_whole_sentence_is_said_once() -> None:
    message = drawn(Token("15 days", (1,), short=(0, 7)), Citations((RULES,)), Done(1))
    assert seen(message.blocks).count("15 days") == 1


def test_a_source_is_a_link_only_where_its_address_is_a_web_address() -> None:
    traps = (
        "javascript:alert(1)",
        "file:///etc",
        "https://a.example/\u202egnp.exe",
        "https://a.example/\ud800",
    )
    sources = (RULES, *(passage(n, "Trap", url=url) for n, url in enumerate(traps, 2)))
    message = drawn(Token("So it is.", (1, 2, 3, 4, 5)), Citations(sources), Done(1))
    links = [part["url"] for part in every_part(list(message.blocks)) if part.get("type") == "link"]
    assert links == ["https://wiki.example/leave"]


def test_five_sources_are_listed_and_the_others_are_counted() -> None:
    sources = tuple(passage(n, f"Paper {n}") for n in range(1, 9))
    message = drawn(Token("So it is.", tuple(range(1, 9))), Citations(sources), Done(1))
    assert "[5] Paper 5" in seen(message.blocks)
    assert "Paper 6" not in seen(message.blocks)
    assert "and 3 more" in seen(message.blocks)


def test_sources_that_no_sentence_and_no_note_names_are_not_listed() -> None:
    message = drawn(LEAVE, Citations((RULES, OLD)), Done(1))
    assert "2024" not in seen(message.blocks)
    message = drawn(LEAVE, ENDED, Citations((RULES, OLD)), Done(1))
    assert "[2] Leave rules 2024" in seen(message.blocks)


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (SUPERSEDED, "“Leave rules 2024” [2] is an older version"),
        (CONFLICT, "“14 days” [2] (Leave rules 2024 · written on Jan. 1, 2024)"),
        (ENDED, "“Leave rules 2024” [2] says that it held until Dec. 31, 2024."),
        (UNCALCULATED, "Several columns fit: “Cost”, “Price”."),
    ],
)
def test_notes_are_worded_as_on_the_web(note: Note, words: str) -> None:
    message = drawn(LEAVE, note, Citations((RULES, OLD)), Done(1))
    assert words in seen(message.blocks)


def test_a_note_with_a_source_that_did_not_come_through_the_door_is_left_out() -> None:
    other = passage(2, "Another paper", document_id=999)
    for came in ((RULES,), (RULES, other), ()):
        message = drawn(LEAVE, SUPERSEDED, CONFLICT, ENDED, Citations(came), Done(1))
        assert "older version" not in seen(message.blocks)
        assert "14 days" not in seen(message.blocks)
        assert "held until" not in seen(message.blocks)
        assert "Another paper" not in seen(message.blocks)


def test_a_note_says_why_there_is_no_answer() -> None:
    message = drawn(NoAnswer(9), UNCALCULATED, Citations((RULES,)), Done(1))
    assert "A table fits, but nothing was calculated from it" in bold(message.blocks)[0]
    assert "Several columns fit" in seen(message.blocks)


def test_marks_tell_general_knowledge_and_missing_sources() -> None:
    sentences = (Token("Sky is blue.", (), general=True), Token("So it seems.", ()))
    assert "Sky is blue. (general knowledge) So it seems. (no source)" in seen(
        drawn(*sentences, Done(1)).blocks
    )
    assert "no source" not in seen(drawn(Token("Dear all,", ()), Done(1), is_draft=True).blocks)


def test_parts_stand_under_their_headings_and_lists_have_points() -> None:
    message = drawn(
        Section("Seoul", "side"),
        Token("Opens at 9.", (1,)),
        Section("Busan", "side"),
        Section("", "part"),
        Token("Both close at 18.", (1,)),
        Citations((RULES,)),
        Done(1),
    )
    shown = seen(message.blocks)
    assert shown.index("Seoul") < shown.index("Opens at 9.") < shown.index("Busan")
    assert shown.index("say nothing about this.") < shown.index("Both close at 18.")
    assert "rich_text_list" in str(message.blocks[0])
    assert bold(message.blocks)[:2] == ["Seoul", "Busan"]


def test_rows_of_a_table_stand_on_lines_of_their_own() -> None:
    message = drawn(Token("Seoul\t9:00\t", (1,)), Token("Busan\t10:00", (1,)), Citations((RULES,)), Done(1))
    assert "Seoul · 9:00 [1]\nBusan · 10:00 [1]" in seen(message.blocks)


def test_a_blocked_or_withheld_turn_shows_nothing_of_what_came_before() -> None:
    for last in (Blocked("Shares", ""), Withheld()):
        message = drawn(Searched("secret plan"), LEAVE, CONFLICT, Citations((RULES, OLD)), last)
        for hidden in ("15 days", "Leave rules", "secret plan", "14 days"):
            assert hidden not in seen(message.blocks) + message.text
        assert "answer.useful" not in buttons(message.blocks)
        assert "answer.sources" not in buttons(message.blocks)


def test_what_comes_after_the_end_is_ignored() -> None:
    turn = drawing()
    for event in (Withheld(), LEAVE, Citations((RULES,)), Done(1)):
        turn.take(event)
    assert "15 days" not in seen(turn.message().blocks)


def test_a_failed_turn_keeps_what_was_written_and_names_its_reference() -> None:
    message = drawn(LEAVE, Failed("answer_cut", "f00d"))
    assert "15 days" in seen(message.blocks)
    assert "Reference for support: f00d" in seen(message.blocks)
    assert "answer.useful" not in buttons(message.blocks)


def test_a_channel_is_told_only_what_all_may_know() -> None:
    events = (Searched("my private words"), NoAnswer(1234), Citations(()), Done(1))
    channel = drawn(*events, where=Where.CHANNEL)
    assert "my private words" not in seen(channel.blocks)
    assert "1,234" not in seen(channel.blocks)
    assert "everybody here may read" in seen(channel.blocks)
    assert "f00d" not in seen(drawn(Failed("x", "f00d"), where=Where.CHANNEL).blocks)


def test_nothing_points_at_what_stands_on_the_page_only() -> None:
    no_answer = drawn(NoAnswer(2), Done(1), files_only=True)
    assert "2 files were searched, and nothing else." in seen(no_answer.blocks)
    assert "choose" not in seen(no_answer.blocks)
    for code in ("no_file_ready", "model_not_offered"):
        assert "beside each" not in seen(drawn(Failed(code)).blocks)
        assert "choose" not in seen(drawn(Failed(code)).blocks)


def test_who_asked_is_named_in_a_channel_and_nobody_else_can_be() -> None:
    channel = drawn(*answered(["So it is."]), where=Where.CHANNEL)
    assert [part for part in every_part(list(channel.blocks)) if part.get("type") == "user"] == [
        {"type": "user", "user_id": "U0ANN"}
    ]
    for where in (Where.DIRECT, Where.PRIVATE):
        assert "user" not in [
            p.get("type") for p in every_part(list(drawn(*answered(["a"]), where=where).blocks))
        ]


@pytest.mark.parametrize("where", Where)
def test_buttons_carry_the_turn_and_only_a_private_answer_can_be_shared(where: Where) -> None:
    found = buttons(drawn(LEAVE, Citations((RULES,)), Done(1), where=where).blocks)
    assert ("answer.share" in found) == (where is Where.PRIVATE)
    assert ("answer.open" in found) == (where is not Where.CHANNEL)
    assert found.get("answer.open", ADDRESS) == ADDRESS
    assert found["answer.sources"] == found["answer.useful"] == found["answer.again"] == "31"


def test_a_long_answer_ends_at_a_sentence_and_goes_on_in_mundap() -> None:
    sentences = [f"Rule {n} of the company says that this is how it is done. " * 3 for n in range(300)]
    message = drawn(*answered(sentences))
    assert message_problems(message.text, message.blocks) == []
    shown = seen(message.blocks)
    whole = [sentence for sentence in sentences if sentence in shown]
    assert 10 < len(whole) < len(sentences)
    assert whole == sentences[: len(whole)]
    assert f"Rule {len(whole)} of" not in shown
    assert "The answer is longer than fits here. Continue in Mundap" in shown
    assert ADDRESS in [
        part.get("url") for part in every_part(list(message.blocks)) if part.get("type") == "link"
    ]


def test_one_endless_sentence_is_cut_and_says_so() -> None:
    message = drawn(*answered(["word " * 9_000]))
    assert message_problems(message.text, message.blocks) == []
    assert "word…" in seen(message.blocks)
    assert "Continue in Mundap" in seen(message.blocks)


def test_an_answer_of_very_many_parts_fits_into_fifty_blocks() -> None:
    events: list[TurnEvent] = []
    for n in range(80):
        events += [Section(f"Part {n}"), Token("Yes.", (1,))]
    message = drawn(*events, Done(1), where=Where.CHANNEL)
    assert len(message.blocks) <= 50
    assert "Continue in Mundap" in seen(message.blocks)


def test_a_draft_says_that_it_is_one_and_keeps_its_lines() -> None:
    message = drawn(Token("Dear all,", ()), Token("Leave is 15 days.", (1,)), Done(1), is_draft=True)
    assert "A draft by the language model" in seen(message.blocks)
    assert "Dear all,\nLeave is 15 days. [1]" in seen(message.blocks)


def test_files_that_were_left_out_are_counted() -> None:
    message = drawn(Status("left_out", 2), LEAVE, Citations((RULES,)), Done(1), files_only=True, masked=True)
    assert "2 files couldn’t be read and were left out." in seen(message.blocks)
    assert "Asked of this conversation’s files only" in seen(message.blocks)
    assert "hidden before the search" in seen(message.blocks)


def test_the_fallback_is_escaped_and_the_blocks_are_not() -> None:
    message = drawn(Token("Tell <!channel> & <@U0BOB>.", (1,)), Citations((RULES,)), Done(1))
    assert message.text == "Tell &lt;!channel&gt; &amp; &lt;@U0BOB&gt;."
    assert "Tell <!channel> & <@U0BOB>." in seen(message.blocks)


def test_what_cannot_be_seen_is_taken_out_of_titles() -> None:
    trap = passage(1, "invoice\u202efdp.exe\u200b\x00\nnext line")
    message = drawn(LEAVE, Citations((trap,)), Done(1))
    assert "[1] invoicefdp.exe next line" in seen(message.blocks)


def test_an_answer_in_korean_is_framed_in_korean() -> None:
    with translation.override("ko"):
        message = drawn(LEAVE, SUPERSEDED, Citations((RULES, OLD)), Done(1), where=Where.CHANNEL)
    shown = seen(message.blocks)
    for words in ("님의 질문:", "근거", "도움이 됐어요", "다시 묻기", "모두가 읽을 수 있는 문서로"):
        assert words in shown
    assert "Sources" not in "".join(texts(message.blocks))


def test_nothing_is_written_as_mrkdwn() -> None:
    for event, _, _ in EXAMPLES.values():
        assert "mrkdwn" not in str(drawn(event).blocks)
        assert "section" not in kinds(drawn(event).blocks)
