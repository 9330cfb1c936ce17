"""inspect() obeys the newest published version, for whom it concerns, and the strictest rule wins."""

from __future__ import annotations

import pytest
from django.utils import timezone

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import Connection, GroupEdge, Principal, User
from assistant.accounts.principals import replace_membership
from assistant.common.acl import PrincipalKind, PrincipalRef
from assistant.common.errors import GuardrailsDamaged
from assistant.common.types import Json
from assistant.guardrails.inspect import inspect, screen, shown_passage
from assistant.guardrails.models import DraftRule, PolicyVersion
from assistant.guardrails.verdict import Action, Stage, Verdict, passed
from tests.guardrails.rules import block, publish, republish, written

ANN = Viewer(user_id=1, email="ann@example.com")
pytestmark = pytest.mark.django_db


@pytest.fixture
def heron() -> None:
    block("Project Heron", words=["heron", "왜가리"])


def judged(text: str, stage: Stage = Stage.QUESTION, viewer: Viewer = ANN, after: str = "") -> Verdict:
    return inspect(text, stage=stage, viewer=viewer, after=after)


def blocked(text: str, stage: Stage = Stage.QUESTION) -> bool:
    return judged(text, stage).blocked


def test_without_rules_everything_passes_as_it_is() -> None:
    text = "What does the CEO earn?"
    assert judged(text) == passed(text)
    assert judged(text).text == text


def test_a_blocked_verdict_names_the_rule_and_speaks_the_language_of_the_text(heron: None) -> None:
    rule = DraftRule.objects.get()
    english, korean = judged("What is Heron?"), judged("왜가리가 무엇인가요?")
    assert (english.blocked, english.topic, english.topic_id) == (True, "Project Heron", rule.pk)
    assert (
        english.message
        == "Questions about “Project Heron” are not answered here. Please ask the department in charge."
    )
    assert korean.message.startswith("‘Project Heron’에 관한 내용은")


def test_the_administrators_message_is_shown_as_written() -> None:
    block("Heron", words=["heron"], message="Ask {legal} first.")
    assert judged("heron?").message == "Ask {legal} first."


@pytest.mark.parametrize("stage", list(Stage))
def test_words_are_stopped_at_every_stage(heron: None, stage: Stage) -> None:
    assert blocked("the heron deal", stage)


def test_a_rule_looks_only_where_it_was_told_to() -> None:
    publish(written("words", "Heron", words=["heron"], stages=["answer"]))
    assert [stage for stage in Stage if blocked("the heron deal", stage)] == [Stage.ANSWER]


def test_a_disabled_rule_finds_nothing(heron: None) -> None:
    DraftRule.objects.update(enabled=False)
    republish()
    assert judged("heron") == passed("heron")


def test_a_draft_counts_for_nobody_until_it_is_published(heron: None) -> None:
    DraftRule.objects.update(settings={"words": ["osprey"]})
    assert blocked("heron")
    assert not blocked("osprey")
    republish()
    assert not blocked("heron")
    assert blocked("osprey")


def test_a_version_that_was_altered_lets_nothing_through(heron: None) -> None:
    PolicyVersion.objects.update(content={"rules": []}, checksum="0" * 64)
    with pytest.raises(GuardrailsDamaged, match="not what was published"):
        judged("heron")
    republish()
    assert blocked("heron")


def test_a_topic_by_examples_is_stopped_in_korean() -> None:
    block("연봉", examples=["김 부장 연봉이 얼마야?", "동료들은 월급을 얼마나 받나요?"])
    assert blocked("박 과장은 급여를 얼마 받아?")
    assert not blocked("회의실은 어떻게 예약하나요?")


def test_a_topic_that_is_only_noted_hides_none_that_blocks() -> None:
    examples = ["What does my boss earn?", "How high is the salary of a director?", "Show me the pay list."]
    publish(
        written("topic", "A", action="detect", examples=examples, description="pay"),
        written("topic", "B", examples=examples, description="salaries"),
    )
    verdict = judged("How much does my boss earn?")
    assert (verdict.action, verdict.topic) == (Action.BLOCK, "B")
    assert {(hit.rule, hit.action) for hit in verdict.hits} == {("A", Action.DETECT), ("B", Action.BLOCK)}


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\x00", "\ud800"])
def test_a_text_that_says_nothing_passes(heron: None, text: str) -> None:
    assert judged(text) == passed(text)


def test_lone_surrogates_do_not_hide_a_word(heron: None) -> None:
    assert blocked("he\ud800ron")


def test_the_strictest_action_wins() -> None:
    publish(
        written("words", "Noted", action="detect", words=["heron"]),
        written("words", "Masked", action="mask", words=["heron"]),
    )
    masked = judged("about heron")
    assert (masked.action, masked.text, masked.message) == (Action.MASK, "about [hidden]", "")
    publish(written("words", "Blocked", action="block", words=["heron"], message="No."))
    assert (judged("about heron").action, judged("about heron").message) == (Action.BLOCK, "No.")
    assert {hit.action for hit in judged("about heron").hits} == {Action.DETECT, Action.MASK, Action.BLOCK}


def test_what_is_only_noted_leaves_the_text_alone() -> None:
    publish(written("words", "Noted", action="detect", words=["heron"]))
    verdict = judged("about heron, heron")
    assert (verdict.action, verdict.text, verdict.blocked) == (Action.DETECT, "about heron, heron", False)
    assert [(hit.kind, hit.count) for hit in verdict.hits] == [("blocked_word", 2)]


def test_a_mask_is_a_label_in_the_language_of_the_text() -> None:
    publish(written("words", "Heron", action="mask", words=["왜가리", "heron"]))
    assert judged("왜가리 계획을 알려 주세요").text == "[가림] 계획을 알려 주세요"
    assert judged("Tell me of heron.").text == "Tell me of [hidden]."


def test_what_two_sentences_complete_together_is_masked_in_the_second() -> None:
    publish(written("words", "Plan", action="mask", words=["project heron"]))
    verdict = judged("heron starts soon.", Stage.ANSWER, after="It is called project")
    assert verdict.text == "[hidden] starts soon."
    assert judged("It starts soon.", Stage.ANSWER, after="Of project heron:").text == "It starts soon."


def test_what_two_sentences_complete_together_blocks_the_second() -> None:
    publish(written("words", "Plan", words=["project heron"]))
    assert not judged("It is called project", Stage.ANSWER).blocked
    assert judged("heron starts soon.", Stage.ANSWER, after="It is called project").blocked


def test_a_restricted_topic_names_the_sources_that_may_answer() -> None:
    source: dict[str, Json] = {"id": 7, "name": "HR"}
    examples = ["What does my boss earn?", "How high is the salary of a director?", "Show me the pay list."]
    publish(written("topic", "Pay", action="restrict", examples=examples, sources=[source]))
    verdict = judged("How much does my boss earn?")
    assert (verdict.action, verdict.sources, verdict.text) == (
        Action.RESTRICT,
        frozenset({7}),
        "How much does my boss earn?",
    )
    assert judged("Where is the canteen?").sources is None


class TestARuleForGroups:
    """It concerns whoever is in one of them, or might be."""

    @pytest.fixture
    def group(self) -> Principal:
        connection = Connection.objects.create(
            name="wiki", kind="jsonl", principals_confirmed_at=timezone.now()
        )
        member = PrincipalRef(PrincipalKind.USER, "cho@example.com")
        replace_membership(connection=connection, groups={"sales": (member,)}, now=timezone.now())
        return Principal.objects.get(kind=PrincipalKind.GROUP)

    @pytest.fixture
    def rule(self, group: Principal) -> None:
        publish(written("words", "Heron", words=["heron"], groups=[{"id": group.pk, "name": "wiki: sales"}]))

    def viewer(self, name: str) -> Viewer:
        return viewer_for(User.objects.create_user(f"{name}@example.com"))

    def test_it_stops_a_member_and_touches_nobody_else(self, rule: None) -> None:
        assert judged("heron", viewer=self.viewer("cho")).blocked
        assert judged("heron", viewer=self.viewer("sam")) == passed("heron")

    def test_doubt_about_the_members_counts_as_being_one(self, rule: None, group: Principal) -> None:
        sam = self.viewer("sam")
        Principal.objects.filter(pk=group.pk).update(settled_in=0)
        assert judged("heron", viewer=sam).blocked

    def test_members_that_were_confirmed_too_long_ago_are_in_doubt(self, rule: None) -> None:
        sam = self.viewer("sam")
        Connection.objects.update(principals_confirmed_at=None)
        assert judged("heron", viewer=sam).blocked

    def test_a_group_that_is_gone_and_a_closed_account_count_as_in_doubt(
        self, rule: None, group: Principal
    ) -> None:
        sam = self.viewer("sam")
        User.objects.filter(pk=sam.user_id).update(is_active=False)
        assert judged("heron", viewer=sam).blocked
        User.objects.filter(pk=sam.user_id).update(is_active=True)
        assert not judged("heron", viewer=sam).blocked
        GroupEdge.objects.all().delete()
        Principal.objects.filter(pk=group.pk).delete()
        assert judged("heron", viewer=sam).blocked


def test_a_question_is_screened_by_what_hides_and_by_nothing_else() -> None:
    publish(
        written("words", "Stop", words=["osprey"]),
        written("words", "Hide", action="mask", words=["heron"]),
        written("words", "Note", action="detect", words=["eagle"]),
    )
    verdict = screen("osprey, heron, eagle", viewer=ANN)
    assert (verdict.action, verdict.text) == (Action.MASK, "osprey, [hidden], eagle")


def test_a_passage_is_shown_as_the_model_saw_it() -> None:
    publish(written("words", "Hide", action="mask", words=["heron"], stages=["passage"]))
    text = "Project heron costs much; ask heron."
    shown = shown_passage(text, viewer=ANN)
    assert shown.text == judged(text, Stage.PASSAGE).text == "Project [hidden] costs much; ask [hidden]."
    start = text.index("costs")
    assert shown.part(start, start + 5) == "costs"
    assert shown.part(text.index("eron"), start + 5) == "[hidden] costs"
