"""What is drawn for the pictures: messages, windows and homes in one language, from events of turns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

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
)
from assistant.common.types import Json, JsonObject
from assistant.slackbot.rendering import notices
from assistant.slackbot.rendering.home import HomeConversation, home
from assistant.slackbot.rendering.messages import Drawing, Message, Where
from assistant.slackbot.rendering.sources import quotes_of
from assistant.slackbot.rendering.views import View, ask_about_modal, feedback_modal, sources_modal

Surface = Literal["message", "private", "modal", "home"]

ADDRESS = "https://mundap.example/c/12/"
JOIN = "https://mundap.example/slack/join/"
CLIENT_WORDS = {
    "en": {"app": "APP", "onlyYou": "Only visible to you", "optional": "optional"},
    "ko": {"app": "앱", "onlyYou": "나에게만 표시", "optional": "선택 사항"},
}


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture: Block Kit, and on which surface."""

    surface: Surface
    content: JsonObject

    def payload(self, language: str) -> JsonObject:
        """What the page's `show` takes."""
        words: Mapping[str, Json] = CLIENT_WORDS[language]
        told: JsonObject = {"surface": self.surface, "content": self.content, "language": language}
        return json.loads(json.dumps({**told, "words": words}))  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class AskedTurn:
    """A question and the events that it brought."""

    question: str
    events: tuple[TurnEvent, ...]

    @property
    def quotes(self) -> Mapping[int, Sequence[str]]:
        """What its sentences say in the words of the sources."""
        return quotes_of(event for event in self.events if isinstance(event, Token))

    @property
    def passages(self) -> tuple[CitedPassage, ...]:
        """The sources that came with it."""
        return next((event.passages for event in self.events if isinstance(event, Citations)), ())


def scenes(turns: Mapping[str, AskedTurn], titles: Sequence[str]) -> dict[str, Scene]:
    """All pictures, in the active language. `turns`: by what they show, as `written_turns` names them."""
    asked = [HomeConversation(title, datetime(2026, 5, 4, 9, 30, tzinfo=UTC), ADDRESS) for title in titles]
    found = {name: _message(_drawn(turn, Where.DIRECT)) for name, turn in turns.items()}
    answer = turns["answer"]
    return found | {
        "answer-channel": _message(_drawn(answer, Where.CHANNEL)),
        "answer-private": Scene("private", {"blocks": list(_drawn(answer, Where.PRIVATE).blocks)}),
        "no-answer-channel": _message(_drawn(turns["no-answer"], Where.CHANNEL)),
        "sources": Scene("modal", sources_modal(answer.passages, address=ADDRESS, quotes=answer.quotes)),
        "feedback": Scene("modal", feedback_modal(31)),
        "ask-about": Scene("modal", ask_about_modal(turns["long"].question, "{}")),
        "home": Scene("home", _home(joined=True, asked=asked)),
        "home-not-joined": Scene("home", _home(joined=False, asked=asked)),
        "sign-in": Scene("private", {"blocks": list(notices.sign_in_first(JOIN).blocks)}),
        "withdrawn": _message(notices.withdrawn(for_everybody=True)),
        "not-shared": Scene("private", {"blocks": list(notices.not_shared().blocks)}),
    }


def _home(*, joined: bool, asked: Sequence[HomeConversation]) -> View:
    return home(joined, conversations=asked, address="https://mundap.example/", join_address=JOIN)


def _message(message: Message) -> Scene:
    return Scene("message", {"blocks": list(message.blocks)})


def _drawn(turn: AskedTurn, where: Where) -> Message:
    drawing = Drawing(turn_id=31, question=turn.question, asker="U0JIWOO", where=where, address=ADDRESS)
    for event in turn.events:
        drawing.take(event)
    return drawing.message()


def written_turns(language: str) -> dict[str, AskedTurn]:
    """Turns with everything that can be seen in one, made by hand."""
    return _turns(_WORDS[language])


def titles(language: str) -> Sequence[str]:
    """Titles of recent conversations."""
    return _WORDS[language].titles


def passage(n: int, title: str, text: str, **more: str) -> CitedPassage:
    """A cited source."""
    given = {"source": "Ondam", "url": "", "place": "", "place_kind": "", "day": "", "dated": ""} | more
    return CitedPassage(
        n=n,
        document_id=n + 100,
        external_id=f"document-{n}",
        title=title,
        headings="",
        passage=text,
        modified_at="",
        synced_at="",
        cited=n < _FIRST_UNUSED,
        **given,
    )


_FIRST_UNUSED = 8


def _turns(words: Words) -> dict[str, AskedTurn]:
    revised, before = (
        NotedSource(1, 101, "2026-03-02", "effective"),
        NotedSource(2, 102, "2025-01-01", "effective"),
    )
    sources = (
        passage(1, *words.revised, url="https://wiki.example/leave", day=revised.day, dated="effective"),
        passage(2, *words.before, place="3", place_kind="page", day=before.day, dated="effective"),
        passage(8, *words.unused, day="2026-01", dated="edition"),
    )
    superseded = Note("superseded", (replace(before, until="2026-03-01"), revised))
    conflict = Note(
        "conflict",
        (replace(revised, quote=words.quotes[0]), replace(before, quote=words.quotes[1])),
    )
    ended = (Citations(sources), Done(900))
    return {
        "running": AskedTurn("", (Status("reading", 6),)),
        "answer": AskedTurn(
            words.question,
            (
                Searched(words.searched),
                Token(words.carried, (1,), quoted=True, short=carried_span(words.carried, words.short)),
                Token(words.end, (1, 2), quoted=True),
                Token(words.general, (), general=True),
                superseded,
                conflict,
                *ended,
            ),
        ),
        "parts": AskedTurn(
            words.comparison,
            (
                Section(words.sides[0], "side"),
                Token(words.opens, (1,), quoted=True),
                Section(words.sides[1], "side"),
                Section("", "part"),
                Token(words.cell, (2,), quoted=True),
                Token(words.sum, (2,), calculated="sum"),
                *ended,
            ),
        ),
        "blocked": AskedTurn("", (Blocked(*words.blocked),)),
        "no-answer": AskedTurn(words.unanswered, (NoAnswer(1284), Citations(()), Done(400))),
        "failed": AskedTurn("", (Failed("model_unavailable", "7f3a91c2"),)),
        "long": AskedTurn(
            words.summary, (*(Token(words.rule.format(n), (1,)) for n in range(1, words.rules)), *ended)
        ),
    }


def carried_span(text: str, short: str) -> tuple[int, int]:
    """Where the short answer stands in its sentence."""
    start = text.index(short)
    return start, start + len(short)


@dataclass(frozen=True, slots=True)
class Words:
    """What one language puts into the scenes. Of a source: its title and its passage."""

    revised: tuple[str, str]
    before: tuple[str, str]
    unused: tuple[str, str]
    quotes: tuple[str, str]  # on which the first two disagree
    question: str
    searched: str
    carried: str
    short: str  # stands in `carried`
    end: str
    general: str
    comparison: str
    sides: tuple[str, str]
    opens: str
    cell: str
    sum: str
    blocked: tuple[str, str]
    unanswered: str
    summary: str
    rule: str
    rules: int  # so many that they do not fit into one message
    titles: tuple[str, ...]


_WORDS = {
    "en": Words(
        revised=(
            "Leave rules 2026",
            "Section 4. Employees may carry over up to 5 days of leave into the next year. Days that are"
            " carried over end on 30 June.",
        ),
        before=("Leave rules 2025", "Employees may carry over up to 7 days of leave."),
        unused=("Office calendar", "The office is closed on 1 May."),
        quotes=("up to 5 days of leave", "up to 7 days of leave"),
        question="How many days of leave can I carry over?",
        searched="How many days of leave can employees carry over in 2026?",
        carried="Employees may carry over up to 5 days of leave into the next year.",
        short="up to 5 days",
        end="Days that are carried over end on 30 June.",
        general="Many companies do it this way.",
        comparison="Compare Seoul and Busan",
        sides=("Opening hours in Seoul", "Opening hours in Busan"),
        opens="The office in Seoul opens at 8:30.",
        cell="Travel\t41,000 won",
        sum="The sum is 120,500 won.",
        blocked=("Buying shares", "Questions about investments are answered by the finance team."),
        unanswered="When does Hwaseong open?",
        summary="Summarise the whole handbook for me, with every rule that a new employee must know.",
        rule="Rule {} of the handbook tells new employees what they need to know.",
        rules=260,
        titles=("How long must a password be?", "Working from home", "When are travel costs paid back?"),
    ),
    "ko": Words(
        revised=(
            "2026년 휴가 규정",
            "제4조. 직원은 연차를 최대 5일까지 다음 해로 이월할 수 있습니다. "
            "이월한 연차는 6월 30일에 소멸합니다.",
        ),
        before=("2025년 휴가 규정", "직원은 연차를 최대 7일까지 이월할 수 있습니다."),
        unused=("사무실 달력", "5월 1일은 휴무입니다."),
        quotes=("최대 5일까지", "최대 7일까지"),
        question="올해 연차는 며칠까지 이월할 수 있나요?",
        searched="2026년 연차는 며칠까지 이월할 수 있나요?",
        carried="직원은 연차를 최대 5일까지 다음 해로 이월할 수 있습니다.",
        short="최대 5일",
        end="이월한 연차는 6월 30일에 소멸합니다.",
        general="많은 회사가 이렇게 합니다.",
        comparison="서울과 부산을 비교해 주세요",
        sides=("서울 근무 시간", "부산 근무 시간"),
        opens="서울 사무실은 8시 30분에 엽니다.",
        cell="교통비\t41,000원",
        sum="합계는 120,500원입니다.",
        blocked=("주식 매매", "투자에 관한 질문은 재무팀에 문의해 주세요."),
        unanswered="화성 지사는 언제 여나요?",
        summary="새로 들어온 직원이 알아야 할 규정을 빠짐없이 요약해 주세요.",
        rule="규정 {}조는 새로 들어온 직원이 알아야 할 내용을 정합니다.",
        rules=400,
        titles=("올해 연차는 며칠까지 이월할 수 있나요?", "재택근무 신청 방법", "출장비 정산 기한"),
    ),
}
