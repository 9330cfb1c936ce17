"""Windows, the home and private replies: valid, in two languages, and silent to whom they must be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.utils import translation

from assistant.chat.events import Token
from assistant.chat.models import FeedbackReason
from assistant.common.errors import FailureCode
from assistant.slackbot import actions
from assistant.slackbot.rendering import notices, views
from assistant.slackbot.rendering.home import HomeConversation, home
from assistant.slackbot.rendering.messages import Message
from assistant.slackbot.rendering.sources import quotes_of
from assistant.slackbot.rendering.views import View
from tests.slackbot.block_rules import every_part, message_problems, view_problems
from tests.slackbot.rendering.seen import ADDRESS, bold, buttons, passage, seen

JOIN = "https://mundap.example/slack/join/abc/"
ASKED = HomeConversation("Leave <!channel>\nin May", datetime(2026, 5, 4, 9, 30, tzinfo=UTC), ADDRESS)
PASSAGES = (
    passage(1, "Leave rules", passage="Before. Leave is 15 days a year. After.", url="https://w.example/1"),
    passage(2, "Old rules", cited=False),
)

MESSAGES: dict[str, Callable[[], Message]] = {
    "sign_in_first": lambda: notices.sign_in_first(JOIN),
    "account_closed": notices.account_closed,
    "empty_question": notices.empty_question,
    "too_long": lambda: notices.too_long(40_000, most=4_000),
    "too_fast": lambda: notices.too_fast(90),
    "file_unread": lambda: notices.file_unread("<plan>.pdf", FailureCode.ENCRYPTED),
    "file_refused": lambda: notices.file_refused("“a.pdf” wasn’t added: it is empty."),
    "failed": lambda: notices.failed("ab12"),
    "not_in_time": notices.not_in_time,
    "withdrawn": lambda: notices.withdrawn(for_everybody=False),
    "withdrawn_channel": lambda: notices.withdrawn(for_everybody=True),
    "not_shared": notices.not_shared,
    "shared": notices.shared,
    "new_conversation": notices.new_conversation,
    "not_yours": notices.not_yours,
    "feedback_kept": notices.feedback_kept,
    "switched_off": notices.switched_off,
    "how_to_ask": notices.how_to_ask,
}
VIEWS: dict[str, Callable[[], View]] = {
    "sources": lambda: views.sources_modal(PASSAGES, address=ADDRESS),
    "no_sources": lambda: views.sources_modal((), address=ADDRESS),
    "feedback": lambda: views.feedback_modal(31),
    "ask_about": lambda: views.ask_about_modal("Is <@U0BOB> right?", '{"channel":"C1"}'),
    "home": lambda: home(True, conversations=[ASKED] * 30, address=ADDRESS, join_address=""),
    "empty_home": lambda: home(True, conversations=[], address=ADDRESS, join_address=""),
    "home_before": lambda: home(False, conversations=[ASKED], address=ADDRESS, join_address=JOIN),
}


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", MESSAGES)
def test_every_notice_is_valid(name: str, language: str) -> None:
    with translation.override(language):
        message = MESSAGES[name]()
    assert message_problems(message.text, message.blocks) == []
    assert "mrkdwn" not in str(message.blocks)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", VIEWS)
def test_every_window_is_valid_and_its_title_is_whole(name: str, language: str) -> None:
    with translation.override(language):
        view = VIEWS[name]()
    assert view_problems(view) == []
    assert not str(view.get("title", "")).count("…")


def test_a_member_without_an_account_gets_the_way_to_sign_in() -> None:
    assert buttons(notices.sign_in_first(JOIN).blocks) == {actions.JOIN: JOIN}


def test_the_name_of_a_file_is_escaped_in_the_notification_only() -> None:
    message = notices.file_unread("<plan>.pdf", FailureCode.ENCRYPTED)
    assert message.text.startswith("“&lt;plan&gt;.pdf” couldn’t be read. This file is protected")
    assert seen(message.blocks).startswith("“<plan>.pdf” couldn’t be read.")


@pytest.mark.parametrize(("seconds", "words"), [(0, "1 second."), (59, "59 seconds."), (61, "2 minutes.")])
def test_a_wait_is_told_in_seconds_and_then_in_minutes(seconds: int, words: str) -> None:
    assert notices.too_fast(seconds).text.endswith(words)


def test_the_sources_tell_used_and_unused_passages_apart_and_open_each() -> None:
    view = views.sources_modal(
        PASSAGES, address=ADDRESS, quotes={1: ["Leave is 15 days a year.", "not there"]}
    )
    blocks = view["blocks"]
    assert isinstance(blocks, list)
    assert bold(blocks) == [
        "Leave rules",
        "Leave is 15 days a year.",
        "1 other passage was read and not used",
        "Old rules",
    ]
    assert buttons(blocks) == {"source.open.1": "https://w.example/1", "source.open.2": ADDRESS}


def test_only_sentences_in_the_words_of_a_source_are_marked_in_it() -> None:
    said = (Token("Leave is 15 days.", (1, 3), quoted=True), Token("So it is.", (1,)))
    assert quotes_of(said) == {1: ["Leave is 15 days."], 3: ["Leave is 15 days."]}


def test_a_quote_far_into_a_passage_is_shown_with_what_is_around_it() -> None:
    text = "a " * 2_000 + "Leave is 15 days." + " z" * 2_000
    view = views.sources_modal(
        [passage(1, "Rules", passage=text)], address=ADDRESS, quotes={1: ["Leave is 15 days."]}
    )
    blocks = view["blocks"]
    assert isinstance(blocks, list)
    assert "Leave is 15 days." in bold(blocks)
    assert "…" in seen(blocks)
    assert len(seen(blocks)) < 2_000


def test_the_home_of_somebody_who_is_not_joined_shows_no_conversation() -> None:
    view = home(False, conversations=[ASKED], address=ADDRESS, join_address=JOIN)
    assert "Leave" not in seen([view])
    assert buttons([view]) == {actions.JOIN: JOIN}


def test_the_home_lists_ten_conversations_as_links() -> None:
    view = home(True, conversations=[ASKED] * 30, address=ADDRESS, join_address="")
    links = [part for part in every_part(view) if part.get("type") == "link"]
    assert len(links) == 10
    assert links[0]["text"] == "Leave <!channel> in May"


def test_feedback_carries_the_turn_and_every_reason() -> None:
    view = views.feedback_modal(31)
    assert view["private_metadata"] == "31"
    assert view["callback_id"] == actions.FEEDBACK_SUBMIT
    values = [part["value"] for part in every_part(view) if "value" in part]
    assert values == FeedbackReason.values
