"""The saved cases: what happens to each, the confusion matrix, files, and the command."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import Role, User
from assistant.audit.models import AuditEvent
from assistant.common.errors import NotFound, UsageError
from assistant.common.types import Json
from assistant.guardrails import cases
from assistant.guardrails.bench import Case, changed_outcomes, run_cases, saved_cases
from assistant.guardrails.models import BenchCase, Expected
from assistant.guardrails.rules import Rule, read_rule
from assistant.guardrails.verdict import Action, Stage
from tests.commands.conftest import command as command  # noqa: PLC0414 - the fixture
from tests.commands.running import Command
from tests.guardrails.rules import publish, written

TEXTS = st.text(min_size=1, max_size=50).filter(str.strip)


def case(text: str, expected: str, stage: str = "question") -> Case:
    return Case(0, text, Stage(stage), Expected(expected), "en")


def rule(number: int, action: str, *words: str, **fields: Json) -> Rule:
    given = {**written("words", f"R{number}", action=action, words=list(words)), "id": number, **fields}
    return read_rule(given)


CASES = (
    case("the heron deal", "block"),
    case("the osprey deal", "mask"),
    case("the eagle deal", "pass"),
    case("the crane deal", "block"),
)
RULES = (rule(1, "block", "heron", "eagle"), rule(2, "mask", "osprey"), rule(3, "detect", "crane", "heron"))


def test_the_matrix_counts_what_must_be_against_what_is() -> None:
    run = run_cases(CASES, RULES)
    assert run.matrix == {
        Expected.BLOCK: {Expected.BLOCK: 1, Expected.MASK: 0, Expected.PASS: 1},
        Expected.MASK: {Expected.BLOCK: 0, Expected.MASK: 1, Expected.PASS: 0},
        Expected.PASS: {Expected.BLOCK: 1, Expected.MASK: 0, Expected.PASS: 0},
    }
    assert [outcome.case.text for outcome in run.wrong] == ["the eagle deal", "the crane deal"]
    assert run.outcomes[3].action is Action.DETECT  # only noted: the person is let through
    assert run.outcomes[1].shown == "the [hidden] deal"
    assert run.hits == {"R1": 2, "R3": 2, "R2": 1}
    assert run.right == 2


def test_rules_that_are_off_or_look_elsewhere_do_nothing() -> None:
    off = rule(1, "block", "heron", enabled=False)
    elsewhere = rule(2, "block", "heron", stages=["answer"])
    assert run_cases([case("heron", "pass")], [off, elsewhere]).right == 1
    assert run_cases([case("heron", "block", "answer")], [elsewhere]).right == 1


def test_what_two_sets_of_rules_treat_differently_is_found() -> None:
    before, after = run_cases(CASES, RULES[1:]), run_cases(CASES, RULES)
    changed = changed_outcomes(before, after)
    assert [(each.before.got, each.after.got) for each in changed] == [
        (Expected.PASS, Expected.BLOCK),
        (Expected.PASS, Expected.BLOCK),
    ]


@given(
    st.lists(
        st.builds(
            Case,
            st.just(0),
            TEXTS.map(str.strip),
            st.sampled_from(Stage),
            st.sampled_from(Expected),
            st.sampled_from(["ko", "en"]),
            st.text(max_size=20).map(str.strip),
        ),
        max_size=5,
    )
)
def test_a_file_of_cases_is_read_as_it_was_written(saved: list[Case]) -> None:
    assert list(cases.read_lines("".join(cases.written_lines(saved)))) == saved


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "Line 2 is not JSON"),
        ("[]", "Line 2 is not JSON"),
        ("[" * 100_000, "Line 2 is not JSON"),
        ('{"stage": "question", "expected": "pass"}', "Line 2: Write the text"),
        ('{"text": "a", "stage": "nowhere", "expected": "pass"}', "Line 2: The field “stage”"),
        ('{"text": "a", "stage": "answer", "expected": "maybe"}', "Line 2: The field “expected”"),
        ('{"text": "a", "stage": "answer", "expected": "pass", "language": "xx"}', "Line 2: The field “lang"),
        ('{"text": "a", "stage": "answer", "expected": "pass", "owner": 1}', "“owner” is no field"),
    ],
)
def test_a_wrong_line_is_told_by_its_number(line: str, says: str) -> None:
    good = '{"text": "a", "stage": "question", "expected": "pass"}'
    with pytest.raises(UsageError, match=says):
        cases.read_lines(f"{good}\n{line}\n")


@pytest.mark.django_db
def test_cases_are_saved_once_and_audited_without_their_text() -> None:
    con = viewer_for(User.objects.create_user("con@example.com", role=Role.CONTENT_ADMINISTRATOR))
    secret = case("the secret heron", "block")
    assert cases.add_cases([secret, secret], viewer=con) == 1
    assert cases.add_cases([secret], viewer=con) == 0
    (saved,) = saved_cases()
    auditor = viewer_for(User.objects.create_user("aud@example.com", role=Role.AUDITOR))
    for stranger in (auditor, Viewer(user_id=0, email="nobody@example.com")):
        with pytest.raises(NotFound):
            cases.add_cases([secret], viewer=stranger)
        with pytest.raises(NotFound):
            cases.delete_case(saved.id, viewer=stranger)
    cases.delete_case(saved.id, viewer=con)
    assert not saved_cases()
    audited = [
        event.data for event in AuditEvent.objects.filter(event="guardrail_cases_changed").order_by("pk")
    ]
    assert audited == [{"added": 1}, {"deleted": 1}]


def test_the_command_prints_the_matrix_and_ends_with_1_where_a_case_fails(command: Command) -> None:
    publish(written("words", "Heron", words=["heron"]))
    BenchCase.objects.create(text="heron?", stage="question", expected="block", language="en")
    outcome = command("guardrails", "test")
    assert (outcome.status, outcome.result["wrong"], outcome.result["version"]) == (0, 0, 1)
    BenchCase.objects.create(text="heron!", stage="question", expected="pass", language="en")
    outcome = command("guardrails", "test", "--draft")
    assert (outcome.status, outcome.result["wrong"], outcome.result["rules"]) == (1, 1, "draft")
    assert outcome.result["matrix"]["pass"] == {"block": 1, "mask": 0, "pass": 0}  # type: ignore[index,call-overload]
    listed = json.loads(json.dumps(outcome.result["cases"]))
    assert [(each["text"], each["got"], each["rules"]) for each in listed] == [
        ("heron?", "block", ["Heron"]),
        ("heron!", "block", ["Heron"]),
    ]
