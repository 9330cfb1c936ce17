"""The pages of the guardrails: who may open them, and what their forms do."""

from __future__ import annotations

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from assistant.accounts.models import Connection, Principal, Role, User
from assistant.common.acl import PrincipalKind
from assistant.common.errors import ModelUnavailable
from assistant.console.templatetags.guarding import found_words
from assistant.guardrails import bench
from assistant.guardrails.checks.registry import CHECKS, catalogue
from assistant.guardrails.models import BenchCase, DraftRule, PolicyVersion
from assistant.guardrails.policy import draft_rules, policy_in_force
from assistant.guardrails.rule_settings import NamedRow, TopicSettings
from assistant.guardrails.rules import offered_kinds
from tests.guardrails.rules import block, draft_checksum, publish, written

pytestmark = pytest.mark.django_db
WORDS = {
    "name": "Heron",
    "enabled": "on",
    "action": "block",
    "stages": ["question", "answer"],
    "audience": "everyone",
    "words": "heron\r\n왜가리",
    "message": "Ask legal.",
}


def signed_in(client: Client, role: Role) -> Client:
    client.force_login(User.objects.create_user(f"{role}@example.com", role=role))
    return client


@pytest.fixture
def con(client: Client) -> Client:
    return signed_in(client, Role.CONTENT_ADMINISTRATOR)


def post(client: Client, route: str, *args: object, **fields: object) -> HttpResponse:
    response: HttpResponse = client.post(reverse(f"console:guardrail-{route}", args=args), fields)  # type: ignore[assignment]
    return response


def page(client: Client, route: str = "guardrails", *args: object, query: str = "") -> str:
    response = client.get(reverse(f"console:{route}", args=args) + query)
    assert response.status_code == 200, route
    return response.content.decode()


def test_a_rule_is_written_into_the_draft_changed_and_deleted(con: Client) -> None:
    assert post(con, "new", "words", **WORDS).status_code == 302
    (rule,) = draft_rules()
    assert (rule.name, rule.message, [str(stage) for stage in rule.stages]) == (
        "Heron",
        "Ask legal.",
        ["question", "answer"],
    )
    shown = page(con, "guardrail-rule", rule.id)
    assert "heron\n왜가리" in shown
    assert post(con, "rule", rule.id, **{**WORDS, "name": "Crane", "enabled": ""}).status_code == 302
    assert (draft_rules()[0].name, draft_rules()[0].enabled) == ("Crane", False)
    assert post(con, "delete", rule.id).status_code == 302
    assert draft_rules() == ()


@pytest.mark.parametrize("kind", [str(kind) for kind in offered_kinds()])
def test_the_editor_of_every_kind_opens_and_refuses_what_is_empty_at_its_field(
    con: Client, kind: str
) -> None:
    Connection.objects.create(name="HR wiki", kind="jsonl")
    assert 'name="action"' in page(con, "guardrail-new", kind)
    response = post(
        con, "new", kind, action="nonsense", audience="groups", groups="nowhere: nobody", share="x"
    )
    assert response.status_code == 422
    text = response.content.decode()
    assert "“nowhere: nobody” is no group here" in text
    assert 'id="wrong-groups"' in text
    assert not DraftRule.objects.exists()


def test_a_restricting_topic_keeps_its_sources_and_a_group_is_found_by_its_source(con: Client) -> None:
    source = Connection.objects.create(name="HR: wiki", kind="jsonl")
    group = Principal.objects.create(kind=PrincipalKind.GROUP, connection=source, external_id="team: a")
    response = post(
        con,
        "new",
        "topic",
        name="Pay",
        enabled="on",
        action="restrict",
        stages="question",
        description="salaries",
        sources=[str(source.pk), "999"],
        audience="groups",
        groups="HR: wiki: team: a",
    )
    assert response.status_code == 302
    (rule,) = draft_rules()
    assert isinstance(rule.settings, TopicSettings)
    assert rule.settings.sources == (NamedRow(source.pk, "HR: wiki"),)
    assert rule.groups == (NamedRow(group.pk, "HR: wiki: team: a"),)
    assert "HR: wiki: team: a" in page(con, "guardrail-rule", rule.id)


def test_publishing_shows_what_changes_and_counts_at_once(con: Client) -> None:
    post(con, "new", "words", **WORDS)
    assert "isn’t published" in page(con)
    assert "Heron" in page(con, "guardrail-publish")
    assert policy_in_force().number == 0
    response = post(con, "publish", seen=draft_checksum(), comment="first")
    assert response.status_code == 302
    assert policy_in_force().number == 1
    assert "The draft is what is in force" in page(con)
    assert "first" in page(con, "guardrail-history")
    assert "Heron" in page(con, "guardrail-version", 1)


def test_a_draft_that_changed_meanwhile_is_not_published(con: Client) -> None:
    post(con, "new", "words", **WORDS)
    seen = draft_checksum()
    post(con, "new", "words", **{**WORDS, "name": "Other"})
    response = post(con, "publish", seen=seen)
    assert response.status_code == 422
    assert "has changed since you looked" in response.content.decode()
    assert policy_in_force().number == 0


def test_a_failing_case_must_be_confirmed_before_publishing(con: Client) -> None:
    BenchCase.objects.create(text="heron?", stage="question", expected="pass", language="en")
    post(con, "new", "words", **WORDS)
    text = page(con, "guardrail-publish")
    assert "must be let through" in text
    assert 'name="confirmed"' in text
    assert post(con, "publish", seen=draft_checksum()).status_code == 422
    assert policy_in_force().number == 0
    assert post(con, "publish", seen=draft_checksum(), confirmed="on").status_code == 302
    assert policy_in_force().number == 1


def test_cases_that_cannot_be_tried_must_be_confirmed_too(
    con: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable() -> None:
        raise ModelUnavailable("gone")

    BenchCase.objects.create(text="heron?", stage="question", expected="block", language="en")
    post(con, "new", "topic", **{**WORDS, "description": "birds"})
    monkeypatch.setattr(bench, "answering_encoder", unreachable)
    assert "can’t be tried now" in page(con, "guardrail-publish")
    assert post(con, "publish", seen=draft_checksum()).status_code == 422
    assert "can’t be judged now" in page(con, "guardrail-bench")
    assert "can’t be judged now" in post(con, "try", text="a", stage="question").content.decode()


def test_an_older_version_is_published_again_and_the_draft_is_discarded(con: Client) -> None:
    block("Heron", words=["heron"])
    rule = draft_rules()[0]
    post(con, "rule", rule.id, **{**WORDS, "words": "osprey"})
    post(con, "publish", seen=draft_checksum())
    assert post(con, "restore", 1, comment="too much").status_code == 302
    assert PolicyVersion.objects.get(number=3).restores == 1
    assert "already" in post(con, "restore", 1).content.decode()
    assert post(con, "restore", 99).status_code == 404
    post(con, "rule", rule.id, **{**WORDS, "words": "eagle"})
    assert post(con, "discard").status_code == 302
    assert draft_rules() == policy_in_force().rules


def test_a_version_that_was_altered_is_said_to_be_so(con: Client) -> None:
    block("Heron", words=["heron"])
    PolicyVersion.objects.update(checksum="0" * 64)
    assert "No question is answered" in page(con)
    assert "it isn’t what was published" in page(con, "guardrail-version", 1)
    assert "it is not what was published" in page(con, "guardrail-bench", query="?rules=1")
    page(con, "guardrail-publish")


def test_the_test_bench_shows_the_matrix_the_cases_and_what_differs(con: Client) -> None:
    block("Heron", words=["heron"])
    BenchCase.objects.create(text="heron?", stage="question", expected="block", language="en")
    BenchCase.objects.create(text="<b>osprey</b>", stage="question", expected="pass", language="en")
    post(con, "new", "words", **{**WORDS, "name": "Osprey", "words": "osprey"})
    text = page(con, "guardrail-bench")
    assert "1 case is treated otherwise than by the version in force" in text
    assert "1 / 2" in " ".join(text.split())
    assert "<b>osprey" not in text
    assert "heron?" in text
    wrong = page(con, "guardrail-bench", query="?shown=wrong")
    assert "heron?" not in wrong
    published = page(con, "guardrail-bench", query="?rules=published")
    assert "2 / 2" in " ".join(published.split())
    assert "2 / 2" in " ".join(page(con, "guardrail-bench", query="?rules=1").split())
    for nonsense in ("9", "x", "1" * 30):
        assert con.get(reverse("console:guardrail-bench") + f"?rules={nonsense}").status_code == 404


def test_a_text_is_tried_against_the_draft_and_kept_nowhere(con: Client) -> None:
    publish(written("personal_data", "Data", kinds=["email"]))
    response = con.post(
        reverse("console:guardrail-try"),
        {"text": "write to kim@example.com", "stage": "question"},
        headers={"HX-Request": "true"},
    )
    text = response.content.decode()
    assert "write to [email address]" in text
    assert "Data" in text
    assert "<html" not in text
    assert "<html" in post(con, "try", text="hello", stage="question").content.decode()
    assert "Write the text" in post(con, "try", text=" ", stage="question").content.decode()
    assert not BenchCase.objects.exists()


def test_cases_are_saved_deleted_exported_and_imported(con: Client) -> None:
    assert (
        post(con, "case-add", text="heron?", stage="question", expected="block", note="n").status_code == 302
    )
    assert post(con, "case-add", text=" ", stage="question", expected="block").status_code == 422
    response = con.get(reverse("console:guardrail-export"))
    lines = response.content.decode()
    assert json.loads(lines) == {
        "text": "heron?",
        "stage": "question",
        "expected": "block",
        "language": "en",
        "note": "n",
    }
    case = BenchCase.objects.get()
    assert post(con, "case-delete", case.pk).status_code == 302
    assert post(con, "case-delete", case.pk).status_code == 404
    assert post(con, "import", file=SimpleUploadedFile("c.jsonl", lines.encode())).status_code == 302
    assert BenchCase.objects.get().text == "heron?"
    for content, says in ((b"\xff", "UTF-8"), (b"nonsense", "Line 1 is not JSON")):
        response = post(con, "import", file=SimpleUploadedFile("c.jsonl", content))  # type: ignore[assignment]
        assert (response.status_code, says in response.content.decode()) == (422, True)
    assert post(con, "import").status_code == 422


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.SECURITY_ADMINISTRATOR])
def test_who_may_look_sees_every_page_and_no_form_that_changes_anything(client: Client, role: Role) -> None:
    rule = publish(written("words", "Heron", words=["heron"]))[0]
    case = BenchCase.objects.create(text="heron?", stage="question", expected="block", language="en")
    signed_in(client, role)
    pages: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("guardrails", ()),
        ("guardrail-rule", (rule.id,)),
        ("guardrail-history", ()),
        ("guardrail-version", (1,)),
        ("guardrail-bench", ()),
    )
    for route, args in pages:
        text = page(client, route, *args)
        actions = set(re.findall(r'<form method="post"\s+action="([^"]*)"', text))
        own = {reverse("console:guardrail-try"), reverse("console:guardrail-rule", args=[rule.id])}
        assert {each for each in actions if "guardrails" in each} <= own, route
    assert "disabled" in page(client, "guardrail-rule", rule.id)
    forms: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("rule", (rule.id,)),
        ("new", ("words",)),
        ("delete", (rule.id,)),
        ("publish", ()),
        ("restore", (1,)),
        ("discard", ()),
        ("case-add", ()),
        ("case-delete", (case.pk,)),
        ("import", ()),
    )
    for route, args in forms:
        assert post(client, route, *args, **WORDS).status_code == 404, route
    assert (draft_rules(), BenchCase.objects.count()) == ((rule,), 1)


def test_everything_that_a_check_can_find_has_words_for_administrators() -> None:
    kinds = {kind for check in CHECKS for kind, _ in catalogue(check)}
    assert {"email", "hate", "blocked_word", "invisible_text"} <= kinds
    assert [kind for kind in kinds if found_words(kind) == "Finding"] == []


def test_who_is_not_signed_in_comes_to_the_sign_in_page(client: Client) -> None:
    response = client.get(reverse("console:guardrails"))
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/sign-in/")
