"""What is drawn for the pictures: messages, windows and homes in one language, from events of turns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    return _korean() if language == "ko" else _english()


def titles(language: str) -> list[str]:
    """Titles of recent conversations."""
    if language == "ko":
        return ["올해 연차는 며칠까지 이월할 수 있나요?", "재택근무 신청 방법", "출장비 정산 기한"]
    return ["How long must a password be?", "Working from home", "When are travel costs paid back?"]


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


def _english() -> dict[str, AskedTurn]:
    sources = (
        passage(
            1,
            "Leave rules 2026",
            "Section 4. Employees may carry over up to 5 days of leave into the next year. Days that are"
            " carried over end on 30 June.",
            url="https://wiki.example/leave",
            day="2026-03-02",
            dated="effective",
        ),
        passage(
            2,
            "Leave rules 2025",
            "Employees may carry over up to 7 days of leave.",
            place="3",
            place_kind="page",
            day="2025-01-01",
            dated="effective",
        ),
        passage(8, "Office calendar", "The office is closed on 1 May.", day="2026-01", dated="edition"),
    )
    superseded = Note(
        "superseded",
        (
            NotedSource(2, 102, "2025-01-01", "effective", until="2026-03-01"),
            NotedSource(1, 101, "2026-03-02", "effective"),
        ),
    )
    conflict = Note(
        "conflict",
        (
            NotedSource(1, 101, "2026-03-02", "effective", quote="up to 5 days of leave"),
            NotedSource(2, 102, "2025-01-01", "effective", quote="up to 7 days of leave"),
        ),
    )
    carried = "Employees may carry over up to 5 days of leave into the next year."
    return {
        "running": AskedTurn("", (Status("reading", 6),)),
        "answer": AskedTurn(
            "How many days of leave can I carry over?",
            (
                Searched("How many days of leave can employees carry over in 2026?"),
                Token(carried, (1,), quoted=True, short=carried_span(carried, "up to 5 days")),
                Token("Days that are carried over end on 30 June.", (1, 2), quoted=True),
                Token("Many companies do it this way.", (), general=True),
                superseded,
                conflict,
                Citations(sources),
                Done(900),
            ),
        ),
        "parts": AskedTurn(
            "Compare Seoul and Busan",
            (
                Section("Opening hours in Seoul", "side"),
                Token("The office in Seoul opens at 8:30.", (1,), quoted=True),
                Section("Opening hours in Busan", "side"),
                Section("", "part"),
                Token("Travel\t41,000 won", (2,), quoted=True),
                Token("The sum is 120,500 won.", (2,), calculated="sum"),
                Citations(sources),
                Done(900),
            ),
        ),
        "blocked": AskedTurn(
            "", (Blocked("Buying shares", "Questions about investments are answered by the finance team."),)
        ),
        "no-answer": AskedTurn("When does Hwaseong open?", (NoAnswer(1284), Citations(()), Done(400))),
        "failed": AskedTurn("", (Failed("model_unavailable", "7f3a91c2"),)),
        "long": AskedTurn(
            "Summarise the whole handbook for me, with every rule that a new employee must know.",
            (
                *(
                    Token(f"Rule {n} of the handbook tells new employees what they need to know.", (1,))
                    for n in range(1, 260)
                ),
                Citations(sources),
                Done(900),
            ),
        ),
    }


def carried_span(text: str, short: str) -> tuple[int, int]:
    """Where the short answer stands in its sentence."""
    start = text.index(short)
    return start, start + len(short)


def _korean() -> dict[str, AskedTurn]:
    sources = (
        passage(
            1,
            "2026년 휴가 규정",
            "제4조. 직원은 연차를 최대 5일까지 다음 해로 이월할 수 있습니다. "
            "이월한 연차는 6월 30일에 소멸합니다.",
            url="https://wiki.example/leave",
            day="2026-03-02",
            dated="effective",
        ),
        passage(
            2,
            "2025년 휴가 규정",
            "직원은 연차를 최대 7일까지 이월할 수 있습니다.",
            place="3",
            place_kind="page",
            day="2025-01-01",
            dated="effective",
        ),
        passage(8, "사무실 달력", "5월 1일은 휴무입니다.", day="2026-01", dated="edition"),
    )
    superseded = Note(
        "superseded",
        (
            NotedSource(2, 102, "2025-01-01", "effective", until="2026-03-01"),
            NotedSource(1, 101, "2026-03-02", "effective"),
        ),
    )
    conflict = Note(
        "conflict",
        (
            NotedSource(1, 101, "2026-03-02", "effective", quote="최대 5일까지"),
            NotedSource(2, 102, "2025-01-01", "effective", quote="최대 7일까지"),
        ),
    )
    carried = "직원은 연차를 최대 5일까지 다음 해로 이월할 수 있습니다."
    return {
        "running": AskedTurn("", (Status("reading", 6),)),
        "answer": AskedTurn(
            "올해 연차는 며칠까지 이월할 수 있나요?",
            (
                Searched("2026년 연차는 며칠까지 이월할 수 있나요?"),
                Token(carried, (1,), quoted=True, short=carried_span(carried, "최대 5일")),
                Token("이월한 연차는 6월 30일에 소멸합니다.", (1, 2), quoted=True),
                Token("많은 회사가 이렇게 합니다.", (), general=True),
                superseded,
                conflict,
                Citations(sources),
                Done(900),
            ),
        ),
        "parts": AskedTurn(
            "서울과 부산을 비교해 주세요",
            (
                Section("서울 근무 시간", "side"),
                Token("서울 사무실은 8시 30분에 엽니다.", (1,), quoted=True),
                Section("부산 근무 시간", "side"),
                Section("", "part"),
                Token("교통비\t41,000원", (2,), quoted=True),
                Token("합계는 120,500원입니다.", (2,), calculated="sum"),
                Citations(sources),
                Done(900),
            ),
        ),
        "blocked": AskedTurn("", (Blocked("주식 매매", "투자에 관한 질문은 재무팀에 문의해 주세요."),)),
        "no-answer": AskedTurn("화성 지사는 언제 여나요?", (NoAnswer(1284), Citations(()), Done(400))),
        "failed": AskedTurn("", (Failed("model_unavailable", "7f3a91c2"),)),
        "long": AskedTurn(
            "새로 들어온 직원이 알아야 할 규정을 빠짐없이 요약해 주세요.",
            (
                *(
                    Token(f"규정 {n}조는 새로 들어온 직원이 알아야 할 내용을 정합니다.", (1,))
                    for n in range(1, 400)
                ),
                Citations(sources),
                Done(900),
            ),
        ),
    }
