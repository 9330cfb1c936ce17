"""From what somebody writes at Slack to what they see there, through everything between."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from django.conf import LazySettings

from assistant.chat.models import Conversation, Feedback, Turn
from assistant.common.types import Json
from assistant.slackbot import actions, delivering
from assistant.slackbot.models import Job, JobState, Policy, Post, PostState
from tests.conftest import SmallWorld
from tests.guardrails.rules import block
from tests.slackbot.office import Office, open_office, text_of
from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.simulator import Simulator

REMOTE = "How many days a week is remote work allowed?"
SALARY = "What is the salary band of a senior engineer?"
WIFI = "What is the guest network called?"


@pytest.fixture
def office(small_world: SmallWorld, slack: Simulator, settings: LazySettings) -> Iterator[Office]:
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    with open_office(slack, "ann", "bob", "cho", "sam") as opened:
        yield opened


def test_a_direct_message_is_answered_below_it_with_sources(office: Office) -> None:
    answer = office.asked("ann", REMOTE)
    assert "three days a week" in text_of(answer)
    assert "Employee handbook" in text_of(answer)
    assert (answer.user.id, answer.thread_ts) == (office.bot.id, None)
    assert (answer.unfurl_links, answer.unfurl_media) == (False, False)
    assert Post.objects.get().state == PostState.FINAL
    assert Job.objects.get().state == JobState.DONE


def test_a_korean_is_answered_in_korean(office: Office) -> None:
    office.users["ann"].locale = "ko-KR"
    answer = office.asked("ann", "경조사 휴가는 며칠까지 쓸 수 있어요?")
    assert "5일" in text_of(answer)
    assert "근거" in text_of(answer)


def test_nobody_is_told_what_they_may_not_read(office: Office) -> None:
    assert "82 to 96" in text_of(office.asked("bob", SALARY))
    shown = text_of(office.asked("ann", SALARY))
    for word in ("82", "96", "million", "bands"):
        assert word not in shown


def test_what_is_said_next_goes_on_with_the_conversation_and_new_begins_another(office: Office) -> None:
    office.asked("ann", REMOTE)
    office.asked("ann", "And when does the office open?")
    assert Conversation.objects.count() == 1
    direct = office.slack.direct(office.bot, office.users["ann"])
    office.do(lambda: office.slack.command(office.users["ann"], direct, "/new", app=office.app))
    assert "new conversation" in text_of(office.last("ann", direct))
    office.asked("ann", REMOTE)
    assert Conversation.objects.count() == 2


def test_a_thread_of_a_direct_message_is_a_conversation_of_its_own(office: Office) -> None:
    first = office.asked("ann", REMOTE)
    answer = office.asked("ann", REMOTE, thread=first)
    assert answer.thread_ts == first.ts
    assert Conversation.objects.count() == 2


def test_a_mention_is_answered_for_all_from_what_all_may_read(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    said = office.mentioned("bob", channel, REMOTE)
    answer = office.last("ann", channel)
    assert "three days a week" in text_of(answer)
    assert answer.thread_ts == said.ts
    assert answer.ephemeral_to is None
    office.mentioned("bob", channel, SALARY)
    for name in ("ann", "bob"):
        assert "82" not in text_of(office.last(name, channel))


def test_where_an_administrator_wants_it_only_the_asker_sees_the_answer(office: Office) -> None:
    office.change(policy=Policy.PRIVATE)
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("bob", channel, SALARY)
    answer = office.last("bob", channel)
    assert "82 to 96" in text_of(answer)
    assert answer.ephemeral_to == office.users["bob"].id
    assert "82" not in "".join(text_of(one) for one in office.slack.what_sees(office.users["ann"], channel))


def test_where_nothing_is_to_be_answered_only_that_is_said_and_privately(office: Office) -> None:
    office.change(policy=Policy.OFF)
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("ann", channel, REMOTE)
    answer = office.last("ann", channel)
    assert answer.ephemeral_to == office.users["ann"].id
    assert "direct message" in text_of(answer)
    assert not Turn.objects.exists()


def test_a_channel_with_somebody_who_is_nobody_here_is_answered_privately(office: Office) -> None:
    stranger = office.slack.user(office.installed.workspace, "zoe", locale="en-US")
    office.users["zoe"] = stranger
    channel = office.channel("plans", "ann", "zoe")
    office.mentioned("ann", channel, REMOTE)
    assert office.last("ann", channel).ephemeral_to == office.users["ann"].id
    assert "three days" not in text_of(office.last("zoe", channel))


@pytest.mark.parametrize("who", ["guest", "robot", "gone"])
def test_guests_and_apps_get_no_answer_at_all(office: Office, who: str) -> None:
    office.users[who] = office.slack.user(
        office.installed.workspace,
        who,
        email="ann@example.com",
        is_restricted=who == "guest",
        is_bot=who == "robot",
        deleted=who == "gone",
    )
    channel = office.channel("plans", "ann", who)
    office.mentioned(who, channel, REMOTE)
    assert not Turn.objects.exists()
    assert office.slack.posted_by(office.app, channel) == []


def test_whoever_is_not_joined_gets_a_link_privately_and_nothing_else(office: Office) -> None:
    office.users["zoe"] = office.slack.user(office.installed.workspace, "zoe", locale="en-US")
    channel = office.channel("plans", "ann", "zoe")
    office.mentioned("zoe", channel, REMOTE)
    shown = office.last("zoe", channel)
    assert shown.ephemeral_to == office.users["zoe"].id
    assert "https://ask.example.com/slack/join/" in repr(shown.blocks)
    assert not Turn.objects.exists()
    assert [one for one in office.slack.what_sees(office.users["ann"], channel) if one.app_id] == []


def test_a_command_is_answered_to_its_person_alone_wherever_it_was_typed(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    bob = office.users["bob"]
    office.do(lambda: office.slack.command(bob, channel, "/ask", SALARY, app=office.app))
    answer = office.last("bob", channel)
    assert "82 to 96" in text_of(answer)
    assert answer.ephemeral_to == bob.id
    office.do(lambda: office.slack.command(bob, channel, "/ask", "", app=office.app))
    assert "/ask" in text_of(office.last("bob", channel))


@pytest.mark.parametrize(
    ("text", "said"),
    [(":tada: :+1:", "no question"), ("", "no question"), ("a" * 39_000, "at most 4,000 fit")],
)
def test_what_is_no_question_is_answered_with_what_to_do(office: Office, text: str, said: str) -> None:
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("ann", channel, text)
    answer = office.last("ann", channel)
    assert said in text_of(answer)
    assert answer.ephemeral_to == office.users["ann"].id
    assert not Turn.objects.exists()


def test_what_others_said_in_the_thread_says_what_is_meant(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    root = office.slack.say(office.users["bob"], channel, "Does anybody know how remote work is regulated?")
    office.mentioned("ann", channel, "what about that?", thread=root)
    assert "three days a week" in text_of(office.last("ann", channel))
    assert Turn.objects.get().overheard == []


def test_sources_open_for_whoever_looks_as_they_may_read_them(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("ann", channel, REMOTE)
    answer = office.last("bob", channel)
    office.do(lambda: office.slack.click(office.users["bob"], answer, actions.SOURCES))
    view = office.slack.modal_of(office.users["bob"], office.app)
    assert view is not None
    assert "Remote work is allowed three days a week" in repr(view.content)
    office.slack.join(office.users["sam"], channel)
    office.do(lambda: office.slack.click(office.users["sam"], answer, actions.SOURCES))
    late = office.slack.modal_of(office.users["sam"], office.app)
    assert late is not None  # of nothing: the answer is not one for sam
    assert "Remote work" not in repr(late.content)
    assert "handbook" not in repr(late.content)


def test_feedback_is_kept_with_its_reasons(office: Office) -> None:
    answer = office.asked("ann", REMOTE)
    office.do(lambda: office.slack.click(office.users["ann"], answer, actions.USEFUL))
    assert Feedback.objects.get().useful
    assert "Thank you" in text_of(office.last("ann", answer.channel))
    office.do(lambda: office.slack.click(office.users["ann"], answer, actions.NOT_USEFUL))
    view = office.slack.modal_of(office.users["ann"], office.app)
    assert view is not None
    entered: dict[str, dict[str, Json]] = {
        actions.REASONS_BLOCK: {
            actions.FIELD: {"type": "checkboxes", "selected_options": [{"value": "outdated"}]}
        },
        actions.COMMENT_BLOCK: {actions.FIELD: {"type": "plain_text_input", "value": "It is two."}},
    }
    office.do(lambda: office.slack.submit(view, entered))
    row = Feedback.objects.get()
    assert (row.useful, row.reasons, row.comment) == (False, ["outdated"], "It is two.")


def test_only_the_asker_gives_feedback_or_asks_again(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("ann", channel, REMOTE)
    answer = office.last("bob", channel)
    for number, action in enumerate((actions.USEFUL, actions.NOT_USEFUL, actions.AGAIN), start=1):
        office.do(partial(office.slack.click, office.users["bob"], answer, action))
        seen = office.slack.what_sees(office.users["bob"], channel)
        told = [text_of(one) for one in seen if one.ephemeral_to == office.users["bob"].id]
        assert ["Only the person who asked" in one for one in told] == [True] * number
    assert office.slack.modal_of(office.users["bob"], office.app) is None
    assert not Feedback.objects.exists()
    assert Turn.objects.count() == 1


def test_an_answer_asked_for_again_comes_as_a_message_of_its_own(office: Office) -> None:
    first = office.asked("ann", REMOTE)
    office.do(lambda: office.slack.click(office.users["ann"], first, actions.AGAIN))
    second = office.last("ann", first.channel)
    assert second.ts != first.ts
    assert "three days a week" in text_of(second)
    assert Turn.objects.count() == 2
    assert Conversation.objects.count() == 1


def test_a_private_answer_that_was_shared_is_asked_again_privately(office: Office) -> None:
    office.change(policy=Policy.PRIVATE)
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("ann", channel, REMOTE)
    private = office.last("ann", channel)
    office.do(lambda: office.slack.click(office.users["ann"], private, actions.SHARE))
    office.change(policy=Policy.MEMBERS)
    seen_by_bob = len(office.slack.what_sees(office.users["bob"], channel))
    office.do(lambda: office.slack.click(office.users["ann"], private, actions.AGAIN))
    assert len(office.slack.what_sees(office.users["bob"], channel)) == seen_by_bob
    again = office.last("ann", channel)
    assert (again.ephemeral_to, Turn.objects.count()) == (office.users["ann"].id, 2)
    assert "three days a week" in text_of(again)


def test_nothing_is_asked_again_in_a_channel_that_was_switched_off(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("ann", channel, REMOTE)
    answer = office.last("ann", channel)
    office.change(policy=Policy.OFF)  # somebody's screen still shows the button
    office.do(lambda: office.slack.click(office.users["ann"], answer, actions.AGAIN))
    told = office.last("ann", channel)
    assert told.ephemeral_to == office.users["ann"].id
    assert "doesn’t answer in this channel" in text_of(told)
    assert Turn.objects.count() == 1


def test_an_answer_is_shared_only_where_everybody_may_read_it(office: Office) -> None:
    office.change(policy=Policy.PRIVATE)
    with_ann, with_bob = office.channel("plans", "ann", "cho"), office.channel("pay", "bob", "bob")
    cho = office.users["cho"]
    office.mentioned("cho", with_ann, REMOTE)
    office.do(lambda: office.slack.click(cho, office.last("cho", with_ann), actions.SHARE))
    seen = [text_of(one) for one in office.slack.what_sees(office.users["ann"], with_ann)]
    assert any("three days a week" in one for one in seen)
    office.mentioned("cho", with_ann, "When does the merger with Heron Logistics close?")
    secret = office.last("cho", with_ann)
    assert "30 September" in text_of(secret)
    office.do(lambda: office.slack.click(cho, secret, actions.SHARE))
    assert "wasn’t shared" in text_of(office.last("cho", with_ann))
    seen = [text_of(one) for one in office.slack.what_sees(office.users["ann"], with_ann)]
    assert not any("September" in one or "Heron" in one for one in seen if "merger with Heron" not in one)
    del with_bob


def test_a_message_is_asked_about_in_a_window_and_answered_privately(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    said = office.slack.say(office.users["bob"], channel, "Is remote work regulated somewhere?")
    ann = office.users["ann"]
    office.do(lambda: office.slack.shortcut(ann, said, actions.ASK_ABOUT, app=office.app))
    view = office.slack.modal_of(ann, office.app)
    assert view is not None
    entered: dict[str, dict[str, Json]] = {
        actions.QUESTION_BLOCK: {actions.FIELD: {"type": "plain_text_input", "value": "What about that?"}}
    }
    office.do(lambda: office.slack.submit(view, entered))
    answer = office.last("ann", channel)
    assert answer.ephemeral_to == ann.id
    assert "three days a week" in text_of(answer)


def test_the_home_shows_ones_own_conversations_or_the_way_to_sign_in(office: Office) -> None:
    office.asked("ann", REMOTE)
    office.do(lambda: office.slack.open_home(office.users["ann"], office.app))
    home = office.slack.home_of(office.users["ann"], office.app)
    assert home is not None
    assert REMOTE in repr(home.content)
    office.users["zoe"] = office.slack.user(office.installed.workspace, "zoe", locale="en-US")
    office.do(lambda: office.slack.open_home(office.users["zoe"], office.app))
    other = office.slack.home_of(office.users["zoe"], office.app)
    assert other is not None
    assert REMOTE not in repr(other.content)
    assert "/slack/join/" in repr(other.content)


def test_a_blocked_question_says_so_and_nothing_of_documents(office: Office) -> None:
    block("Laptops", words=["laptop"], message="Ask the help desk.")
    shown = text_of(office.asked("ann", "Who gets a laptop?"))
    assert "Ask the help desk." in shown
    assert "first day" not in shown


def test_a_posted_answer_goes_when_a_reader_joins_who_may_not_read_it(office: Office) -> None:
    channel = office.channel("pay", "bob")
    office.mentioned("bob", channel, SALARY)
    assert "82 to 96" in text_of(office.last("bob", channel))
    office.do(lambda: office.slack.join(office.users["ann"], channel))
    assert "82" not in text_of(office.last("ann", channel))
    assert Post.objects.get().state == PostState.WITHDRAWN


def test_a_posted_answer_stays_when_whoever_joins_may_read_it(office: Office) -> None:
    channel = office.channel("plans", "ann")
    office.mentioned("ann", channel, REMOTE)
    office.do(lambda: office.slack.join(office.users["bob"], channel))
    assert "three days a week" in text_of(office.last("bob", channel))


def test_a_posted_answer_goes_when_its_document_is_revoked(office: Office, small_world: SmallWorld) -> None:
    from assistant.slackbot.rechecking import recheck_all  # noqa: PLC0415 - named where it is used

    answer = office.asked("bob", SALARY)
    small_world.documents["salaries"]["acl"] = {"allow": ["group:executives"]}
    small_world.groups["executives"]["members"] = ["user:cho@example.com"]
    small_world.sync()
    assert recheck_all() == 1
    assert "82" not in text_of(office.last("bob", answer.channel))
    assert recheck_all() == 0


def test_a_message_whose_conversation_was_deleted_is_deleted(office: Office) -> None:
    from assistant.slackbot.rechecking import recheck_all  # noqa: PLC0415 - named where it is used

    answer = office.asked("ann", REMOTE)
    Conversation.objects.all().delete()
    recheck_all()
    assert answer.ts not in [one.ts for one in office.slack.what_sees(office.users["ann"], answer.channel)]


@pytest.mark.parametrize("trouble", [Trouble.SERVER_ERROR, Trouble.RESET_AFTER, Trouble.RATE_LIMITED])
def test_an_answer_that_slack_did_not_acknowledge_comes_once(office: Office, trouble: Trouble) -> None:
    office.slack.fail("chat.postMessage", trouble, times=1)
    ann = office.users["ann"]
    office.do(lambda: office.slack.ask(ann, office.bot, REMOTE))
    office.work_again()
    direct = office.slack.direct(office.bot, ann)
    posted = office.slack.posted_by(office.app, direct)
    assert [text_of(one).count("Remote work is allowed") for one in posted] == [1]


def test_an_answer_grows_by_edits_of_one_message(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "FIRST_AFTER_S", 0.0)
    monkeypatch.setattr(delivering, "EDITED_EVERY_S", 0.0)
    answer = office.asked("ann", REMOTE)
    steps = [blocks for _, blocks in answer.shown]
    assert "Searching" in repr(steps[0])
    assert "three days" not in repr(steps[0])
    assert "Remote work is allowed three days a week" in text_of(answer)
    posts = [call for call in office.slack.calls if call.method == "chat.postMessage"]
    edits = [call for call in office.slack.calls if call.method == "chat.update"]
    assert (len(posts), len(edits)) == (1, len(steps))
    assert len(steps) >= 3


def test_slack_that_delivers_four_times_is_answered_once(office: Office) -> None:
    ann = office.users["ann"]
    office.only(lambda: office.slack.ask(ann, office.bot, REMOTE))
    for event in office.slack.events_sent("message"):
        for _ in range(3):
            office.only(partial(office.slack.deliveries.again, event))
    office.work()
    assert len(office.slack.posted_by(office.app, office.slack.direct(office.bot, ann))) == 1


def test_a_file_is_read_for_its_sender_alone(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    ann = office.users["ann"]
    file = office.slack.file(ann, "minutes.txt", b"The picnic is on Friday at noon.", mimetype="text/plain")
    office.mentioned("ann", channel, "When is the picnic in this file?", files=[file])
    answer = office.last("ann", channel)
    assert "Friday at noon" in text_of(answer)
    assert answer.ephemeral_to == ann.id
    seen = office.slack.what_sees(office.users["bob"], channel)
    assert "Friday" not in "".join(text_of(one) for one in seen)
