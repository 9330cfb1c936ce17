"""The draft, its publication, the history and the way back; and how topic blocks became the first version."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import Role, User
from assistant.audit.models import AuditEvent
from assistant.common.errors import NotFound, UsageError
from assistant.common.types import Json
from assistant.guardrails import services
from assistant.guardrails.checks.registry import CHECKS, module_of
from assistant.guardrails.comparing import differences
from assistant.guardrails.models import DraftRule, PolicyVersion
from assistant.guardrails.policy import checksum_of, draft_rules, policy_in_force, policy_numbered
from assistant.guardrails.rule_settings import MAX_LINE, MAX_LINES, RuleRefused
from assistant.guardrails.rules import FACTS, Kind, offered_kinds, read_rule, rule_json
from assistant.guardrails.verdict import Action
from tests.guardrails.rules import draft_checksum, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def con() -> Viewer:
    return viewer_for(User.objects.create_user("con@example.com", role=Role.CONTENT_ADMINISTRATOR))


def words(*given: str, name: str = "Words", **fields: str) -> dict[str, Json]:
    return {**written("words", name, words=list(given)), **fields}


def save(con: Viewer, *given: str, name: str = "Words", rule_id: int = 0) -> int:
    return services.save_rule({**written("words", name, words=list(given)), "id": rule_id}, viewer=con).id


def publish(con: Viewer, comment: str = "") -> int:
    return services.publish(viewer=con, comment=comment, seen=draft_checksum())


def test_a_version_is_numbered_checksummed_and_never_changed(con: Viewer) -> None:
    save(con, "heron")
    assert publish(con, "  the first\n one ") == 1
    row = PolicyVersion.objects.get()
    assert (row.comment, row.published_by, row.checksum) == (
        "the first one",
        "con@example.com",
        checksum_of(draft_rules()),
    )
    with pytest.raises(TypeError, match="never changed"):
        row.save()
    with pytest.raises(TypeError, match="never deleted"):
        row.delete()
    event = AuditEvent.objects.get(event="guardrails_published")
    assert (event.actor, event.data) == ("con@example.com", {"version": 1, "rules": 1})


def test_what_was_not_looked_at_is_not_published(con: Viewer) -> None:
    save(con, "heron")
    seen = draft_checksum()
    save(con, "osprey", name="Later")
    with pytest.raises(UsageError, match="has changed since"):
        services.publish(viewer=con, comment="", seen=seen)
    assert not PolicyVersion.objects.exists()
    publish(con)
    with pytest.raises(UsageError, match="in force already"):
        publish(con)


def test_rolling_back_publishes_the_older_content_anew(con: Viewer) -> None:
    rule = save(con, "heron")
    publish(con)
    save(con, "osprey", rule_id=rule)
    gone = save(con, "eagle", name="Other")
    publish(con)
    assert services.roll_back(1, viewer=con, comment="too strict") == 3
    assert policy_in_force().rules == policy_numbered(1).rules  # type: ignore[union-attr]
    assert PolicyVersion.objects.count() == 3
    assert PolicyVersion.objects.get(number=3).restores == 1
    assert draft_rules() == policy_in_force().rules  # it held nothing unpublished, so it followed
    assert not DraftRule.objects.filter(pk=gone).exists()
    services.roll_back(2, viewer=con)
    assert DraftRule.objects.filter(pk=gone).exists()  # back under its own number
    with pytest.raises(UsageError, match="in force already"):
        services.roll_back(2, viewer=con)
    with pytest.raises(NotFound):
        services.roll_back(99, viewer=con)


def test_rolling_back_leaves_an_unpublished_draft_alone_until_it_is_discarded(con: Viewer) -> None:
    rule = save(con, "heron")
    publish(con)
    save(con, "osprey", rule_id=rule)
    publish(con)
    save(con, "eagle", rule_id=rule)
    services.roll_back(1, viewer=con)
    assert draft_rules()[0].settings != policy_in_force().rules[0].settings
    services.replace_draft(3, viewer=con)
    assert draft_rules() == policy_in_force().rules


def test_a_draft_is_replaced_by_a_version_in_which_names_were_swapped(con: Viewer) -> None:
    one, other = save(con, "heron", name="A"), save(con, "osprey", name="B")
    publish(con)
    save(con, "heron", name="C", rule_id=one)
    save(con, "osprey", name="A", rule_id=other)
    save(con, "heron", name="B", rule_id=one)
    services.replace_draft(1, viewer=con)
    assert {rule.id: rule.name for rule in draft_rules()} == {one: "A", other: "B"}


def test_a_damaged_version_does_not_keep_anybody_from_publishing_another(con: Viewer) -> None:
    save(con, "heron")
    publish(con)
    PolicyVersion.objects.update(content={"rules": [{"kind": "nonsense"}]}, checksum="0" * 64)
    assert publish(con) == 2
    assert policy_in_force().number == 2


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.AUDITOR, Role.SECURITY_ADMINISTRATOR])
def test_nobody_else_changes_anything(con: Viewer, role: Role) -> None:
    rule = save(con, "heron")
    publish(con)
    other = viewer_for(User.objects.create_user("other@example.com", role=role))
    for forbidden in (
        lambda: save(other, "osprey", name="New"),
        lambda: save(other, "osprey", rule_id=rule),
        lambda: services.delete_rule(rule, viewer=other),
        lambda: services.publish(viewer=other, comment="", seen=draft_checksum()),
        lambda: services.roll_back(1, viewer=other),
        lambda: services.replace_draft(1, viewer=other),
    ):
        with pytest.raises(NotFound):
            forbidden()
    assert (DraftRule.objects.count(), PolicyVersion.objects.count()) == (1, 1)


def test_two_rules_of_one_kind_need_two_names(con: Viewer) -> None:
    save(con, "heron")
    with pytest.raises(RuleRefused) as refused:
        save(con, "osprey")
    assert set(refused.value.problems) == {"name"}
    services.save_rule(written("topic", "Words", examples=["What?"]), viewer=con)


def test_differences_name_what_is_new_gone_and_other(con: Viewer) -> None:
    one, gone = save(con, "heron", name="A"), save(con, "crane", name="B")
    before = draft_rules()
    services.delete_rule(gone, viewer=con)
    save(con, "osprey", name="A2", rule_id=one)
    new = save(con, "eagle", name="N")
    found = {change.rule.id: change for change in differences(before, draft_rules())}
    assert {number: change.what for number, change in found.items()} == {
        one: "changed",
        gone: "deleted",
        new: "added",
    }
    assert [(field.field, field.before, field.after) for field in found[one].fields] == [
        ("name", "A", "A2"),
        ("words", ["heron"], ["osprey"]),
    ]


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        (words(), "words", "at least one word"),
        (words("fine", "..."), "words", "no letter or digit"),
        (words(*(f"w{n}" for n in range(MAX_LINES + 1))), "words", "At most 200 lines"),
        (words("short", "x" * (MAX_LINE + 1)), "words", "Line 2 is longer"),
        (words("x1", name=" \n "), "name", "a name"),
        (words("x1", name="n" * 81), "name", "at most 80"),
        (words("x1", action="restrict"), "action", "what is done"),
        (words("x1", action="pass"), "action", "what is done"),
        (words("x1", stages="nowhere"), "stages", "at least one place"),
        (words("x1", message="m" * 501), "message", "at most 500"),
        (words("x1", kind="nonsense"), "kind", "not known"),
        (written("topic", "T"), "description", "would find nothing"),
        (written("topic", "T", action="restrict", examples=["What?"]), "sources", "at least one source"),
        (written("personal_data", "P"), "kinds", "at least one kind"),
        (written("personal_data", "P", kinds=["dna"]), "kinds", "“dna”"),
        (
            written("personal_data", "P", patterns=[{"name": "N", "pattern": "a("}]),
            "patterns",
            "Line 1: The pattern",
        ),
        (written("personal_data", "P", patterns=[{"name": "", "pattern": "a"}]), "patterns", "a name"),
        (written("harmful", "H", strengths={}), "strengths", "at least one category"),
        (written("harmful", "H", strengths={"hate": "extreme"}), "strengths", "not known"),
        (written("prompt_attack", "A", strength="extreme"), "strength", "low, medium or high"),
        (written("grounding", "G", share=0), "share", "from 1 to 100"),
        (written("grounding", "G", share="101"), "share", "from 1 to 100"),
        (written("grounding", "G", share="٣"), "share", "from 1 to 100"),
    ],
)
def test_a_wrong_rule_is_refused_at_its_field(given: dict[str, Json], field: str, says: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        read_rule(given)
    assert says in refused.value.problems[field]


def test_every_kind_that_is_offered_has_its_check_and_reads_what_it_writes() -> None:
    for check in CHECKS:
        module_of(check)
    settings: dict[str, dict[str, Json]] = {
        "topic": {"description": "Pay", "examples": ["What do you earn?"]},
        "words": {"words": ["heron"]},
        "personal_data": {"kinds": ["email"], "patterns": [{"name": "N", "pattern": "EMP-[0-9]+"}]},
        "harmful": {"strengths": {"hate": "low"}},
        "prompt_attack": {"strength": "high"},
        "hidden_instructions": {"strength": "low"},
        "grounding": {"share": 60},
    }
    assert set(settings) == set(offered_kinds()) == set(FACTS)
    for kind, own in settings.items():
        for action in FACTS[Kind(kind)].actions:
            restricts = action is Action.RESTRICT
            sources: dict[str, Json] = {"sources": [{"id": 3, "name": "HR"}]} if restricts else {}
            rule = read_rule(written(kind, "N", action=action.value, **own, **sources))
            assert read_rule(rule_json(rule)) == rule


@pytest.mark.django_db(transaction=True)
def test_topic_blocks_become_rules_and_the_first_version_that_blocks_the_same() -> None:
    executor = MigrationExecutor(connection)
    try:
        executor.migrate([("guardrails", "0001_initial")])
        topic = executor.loader.project_state([("guardrails", "0001_initial")]).apps.get_model(
            "guardrails", "Topic"
        )
        topic.objects.create(
            name="Pay", words="salary\n연봉", examples="What do I earn?\n", message=" Ask HR. "
        )
        topic.objects.create(name="Old", description="Nothing now.", enabled=False)
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    found = {(rule.kind, rule.name): rule for rule in policy_in_force().rules}
    assert set(found) == {("topic", "Pay"), ("words", "Pay"), ("topic", "Old")}
    pay = found[Kind.WORDS, "Pay"]
    assert (pay.message, pay.enabled, len(pay.stages)) == ("Ask HR.", True, 3)
    assert not found[Kind.TOPIC, "Old"].enabled
    assert draft_rules() == policy_in_force().rules
    assert policy_in_force().number == 1
