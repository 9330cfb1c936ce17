"""Whatever documents, models and people write: valid blocks, and nothing in them that was not given."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.chat.events import (
    Blocked,
    Citations,
    CitedPassage,
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
from assistant.slackbot.rendering.blocks import clean, escaped
from assistant.slackbot.rendering.messages import Drawing, Where
from assistant.slackbot.rendering.views import ask_about_modal, sources_modal
from tests.slackbot.block_rules import every_part, message_problems, view_problems

HOSTILE = (
    *("<!channel>", "<@U0BOB>", "<#C0X|general>", "<https://evil.example|safe>", "https://a.b", "&amp;"),
    *("*b*", "_i_", "~s~", "`c`", ":smile:", "> quote", "- item", "[1]", "%s", "%(old)s", "{n}"),
    *("\u202e", "\u200b", "\x00", "\ud800", "\t", "\n"),
)
FOREIGN = st.one_of(
    st.text(max_size=60),
    st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8)), max_size=6).map("".join),
    st.tuples(st.sampled_from(HOSTILE), st.integers(0, 3_000)).map(lambda pair: pair[0] * pair[1]),
)
NUMBER = st.integers(0, 9)
DAY = st.sampled_from(("", "2024", "2025-03", "2026-01-31"))
DATED = st.sampled_from(("", "effective", "revised", "written", "edition", "changed"))
SPAN = st.one_of(st.none(), st.tuples(st.integers(0, 5), st.integers(6, 20)))


@st.composite
def _token(draw: st.DrawFn) -> Token:
    text = draw(FOREIGN)
    span = draw(SPAN)
    return Token(
        text=text,
        citations=tuple(draw(st.lists(NUMBER, max_size=4))),
        general=draw(st.booleans()),
        calculated=draw(st.sampled_from(("", "sum", "cell"))),
        short=span if span and span[1] <= len(text) else None,
    )


NOTED = st.builds(NotedSource, n=NUMBER, document=NUMBER, day=DAY, dated=DATED, until=DAY, quote=FOREIGN)
NOTE = st.builds(
    Note,
    kind=st.sampled_from(("superseded", "ended", "conflict", "uncalculated")),
    sources=st.lists(NOTED, max_size=4).map(tuple),
    why=st.sampled_from(("tables", "columns", "rows", "masked")),
    columns=st.lists(FOREIGN, max_size=3).map(tuple),
)
PASSAGE = st.builds(
    CitedPassage,
    n=NUMBER,
    document_id=NUMBER,
    external_id=FOREIGN,
    title=FOREIGN,
    source=FOREIGN,
    url=st.one_of(FOREIGN, st.just("https://wiki.example/a"), FOREIGN.map("https://wiki.example/".__add__)),
    place=FOREIGN,
    place_kind=st.sampled_from(("", "page", "sheet")),
    headings=FOREIGN,
    passage=FOREIGN,
    modified_at=st.just(""),
    synced_at=st.just(""),
    cited=st.booleans(),
    day=DAY,
    dated=DATED,
)
PASSAGES = st.lists(PASSAGE, max_size=9, unique_by=lambda passage: passage.n).map(tuple)
EVENT: st.SearchStrategy[TurnEvent] = st.one_of(
    _token(),
    _token(),
    st.builds(Status, st.sampled_from(("files", "left_out", "searching", "reading", "writing")), NUMBER),
    st.builds(Searched, FOREIGN),
    st.builds(Section, FOREIGN, st.sampled_from(("part", "side", "list"))),
    NOTE,
    st.builds(Citations, PASSAGES),
    st.builds(NoAnswer, st.integers(0, 2_000)),
)
LAST: st.SearchStrategy[TurnEvent] = st.one_of(
    st.builds(Done, NUMBER, st.booleans()),
    st.builds(Failed, FOREIGN, FOREIGN),
    st.builds(Blocked, FOREIGN, FOREIGN),
    st.just(Withheld()),
)


@settings(max_examples=40, deadline=None)
@given(
    events=st.lists(EVENT, max_size=30),
    last=st.lists(LAST, max_size=1),
    said_by=st.tuples(FOREIGN, st.one_of(FOREIGN, st.just("U0ANN"))),
    where=st.sampled_from(Where),
    address=st.sampled_from(("https://mundap.example/c/1/", "javascript:alert(1)", "")),
)
def test_whatever_is_drawn_is_valid_and_was_given(
    events: list[TurnEvent], last: list[TurnEvent], said_by: tuple[str, str], where: Where, address: str
) -> None:
    question, asker = said_by
    turn = Drawing(turn_id=1, question=question, asker=asker, where=where, address=address)
    for event in [*events, *last]:
        turn.take(event)
    message = turn.message()
    blocks = list(message.blocks)
    assert message_problems(message.text, blocks) == []
    assert "mrkdwn" not in {part.get("type") for part in every_part(blocks)}
    assert "<" not in message.text
    assert ">" not in message.text
    mentioned = {str(part["user_id"]) for part in every_part(blocks) if part.get("type") == "user"}
    assert mentioned <= ({"U0ANN"} if where is Where.CHANNEL else set())
    if isinstance(last[0] if last else None, Blocked | Withheld):
        hidden = [event.text for event in events if isinstance(event, Token) and len(event.text) > 30]
        assert not any(clean(text) in _shown(blocks) for text in hidden if _is_apart(text, question, last[0]))
    _only_given(message.text, events, blocks)


def _only_given(fallback: str, events: list[TurnEvent], blocks: list[Any]) -> None:
    """The fallback of an answer says nothing that the blocks do not."""
    sentences = [event.text for event in events if isinstance(event, Token)]
    if not any(sentence.strip() for sentence in sentences):
        return
    shown = "".join(escaped(_shown(blocks)).split()).replace("·", "")
    for word in fallback.rstrip("…").split():
        assert word.replace("·", "").rstrip("…") in shown


def _is_apart(text: str, question: str, last: TurnEvent) -> bool:
    """Whether the text is in nothing else that is shown."""
    said = f"{last.topic}{last.message}" if isinstance(last, Blocked) else ""
    return clean(text) not in clean(question) + clean(said) and bool(clean(text).strip())


def _shown(blocks: list[Any]) -> str:
    return "".join(str(part["text"]) for part in every_part(blocks) if isinstance(part.get("text"), str))


@settings(max_examples=20, deadline=None)
@given(passages=PASSAGES, quotes=st.lists(FOREIGN, max_size=3), quoted=FOREIGN)
def test_every_window_is_valid(passages: tuple[CitedPassage, ...], quotes: list[str], quoted: str) -> None:
    said = {passage.n: [*quotes, passage.passage[3:40]] for passage in passages}
    modal = sources_modal(passages, address="https://mundap.example/c/1/", quotes=said)
    assert view_problems(modal) == []
    assert view_problems(ask_about_modal(quoted, "{}")) == []
    assert "mrkdwn" not in str({part.get("type") for part in every_part(modal)})
