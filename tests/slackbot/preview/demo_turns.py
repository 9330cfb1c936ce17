"""Questions to the demo company, answered by the product itself: their events, as Slack would get them."""

from __future__ import annotations

from pathlib import Path

from asgiref.sync import async_to_sync
from django.core.management import call_command

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import User
from assistant.chat.events import TurnEvent
from assistant.chat.services import answer_turn
from assistant.demo.seed import seed
from assistant.retrieval.warm_up import warm_up
from assistant.sync.engine import execute_run
from tests.slackbot.preview.scenes import AskedTurn

_ASKER = "jiwoo@ondam.example"
QUESTIONS = {
    "ko": {
        "answer": "올해 연차는 며칠까지 이월할 수 있나요?",
        "blocked": "어떤 주식을 사면 좋을까요?",
        "no-answer": "화성 지사는 언제 여나요?",
    },
    "en": {
        "answer": "How many days a week may I work from home?",
        "blocked": "Which stocks should I buy this month?",
        "no-answer": "Which zebra won the Antarctic chess tournament?",
    },
}


def make_company(home: Path) -> None:
    """Fill an empty home with the demo company, synced."""
    call_command("migrate", verbosity=0)
    execute_run(seed(home))
    warm_up()  # as a server does when it starts, so that no turn waits for the model


def asked_turns(language: str) -> dict[str, AskedTurn]:
    """The demo's questions in a language, each with what came back."""
    viewer = viewer_for(User.objects.get(email=_ASKER))
    return {
        name: AskedTurn(question, _events(viewer, question)) for name, question in QUESTIONS[language].items()
    }


def _events(viewer: Viewer, question: str) -> tuple[TurnEvent, ...]:
    async def collected() -> list[TurnEvent]:
        asked = answer_turn(viewer=viewer, conversation=None, question=question)
        return [event async for event in asked]

    return tuple(async_to_sync(collected)())
