"""A service account sees what everybody may read and what was given to it, on every way; nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import pytest

from assistant.access.inspector import find_people, inspect, readers
from assistant.access.viewer import Viewer, viewer_for
from assistant.access.visibility import visible_documents
from assistant.accounts.api_keys import issue_key, revoke_key, scopes_for
from assistant.accounts.models import Connection, User
from assistant.accounts.people import add_alias, close_account, link_account, release_address
from assistant.accounts.service_accounts import add_service_account
from assistant.audit.models import AuditEvent
from assistant.chat import answering
from assistant.chat.planning import TurnPlan
from assistant.documents.models import Document
from assistant.providers.contract import AnswerSentence, ChatModel, ModelRequest
from tests.api.calling import Caller
from tests.conftest import SmallWorld

QUESTIONS = (
    "remote work laptop",
    "salary band",
    "휴가 며칠",
    "merger price",
    "server room code",
    "guest network",
)


@pytest.fixture
def service(small_world: SmallWorld) -> User:
    """A program of the company."""
    return add_service_account(word="box", name="Search box", contact="IT desk", actor="test")


def caller(service: User) -> Caller:
    """The program, with a new key of its account."""
    key = issue_key(user_id=service.pk, name="box", days=9, actor="test", scopes=scopes_for(service))
    return Caller(f"Bearer {key.text}")


def seen(viewer: Viewer) -> set[str]:
    """What the rule lets the viewer see."""
    return set(visible_documents(viewer).values_list("external_id", flat=True))


def found(program: Caller) -> set[str]:
    """What any search of the program finds or opens."""
    hits: set[str] = set()
    for question in QUESTIONS:
        came = cast(list[dict[str, str]], program.get("search", q=question, k=50).value["hits"])
        hits |= {hit["external_id"] for hit in came}
    opened = {
        row.external_id for row in Document.objects.all() if program.get(f"documents/{row.pk}").status == 200
    }
    assert hits <= opened
    return opened


def test_without_anything_given_it_sees_what_is_for_everybody(
    small_world: SmallWorld, people: dict[str, User], service: User
) -> None:
    assert found(caller(service)) == seen(viewer_for(service)) == seen(small_world.viewer("sam")) == {"open"}
    for question in QUESTIONS:
        answer = caller(service).post("ask", {"question": question})
        assert answer.status == 200
        for secret in ("three days", "82 to 96", "41 billion", "plant manager", "15일", "handbook", "Heron"):
            assert secret not in answer.body.decode(), question


def test_to_name_somebody_who_answers_for_it_gives_it_nothing(small_world: SmallWorld) -> None:
    service = add_service_account(word="hr", name="bob", contact="bob@example.com", actor="test")
    assert found(caller(service)) == {"open"}


def _by_the_access_list(world: SmallWorld, service: User) -> None:
    world.documents["handbook"]["acl"] = {"allow": ["group:staff", f"user:{service.email}"]}
    world.sync("permissions")


def _by_a_group(world: SmallWorld, service: User) -> None:
    world.groups["programs"] = {"group": "programs", "members": [f"user:{service.email}"]}
    world.documents["handbook"]["acl"] = {"allow": ["group:staff", "group:programs"]}
    world.sync("permissions")


def _by_an_alias(world: SmallWorld, service: User) -> None:
    world.groups["programs"] = {"group": "programs", "members": ["user:search-robot@example.com"]}
    world.documents["handbook"]["acl"] = {"allow": ["group:staff", "group:programs"]}
    world.sync("permissions")
    assert seen(viewer_for(service)) == {"open"}
    add_alias(user_id=service.pk, address="search-robot@example.com", actor="test")


def _by_an_account(world: SmallWorld, service: User) -> None:
    world.groups["account"] = {"account": "4711", "email": ""}
    world.documents["handbook"]["acl"] = {"allow": ["account:4711"]}
    world.sync()
    link_account(connection_id=world.source_id, account_id="4711", user_id=service.pk, actor="test")


@pytest.mark.parametrize("give", [_by_the_access_list, _by_a_group, _by_an_alias, _by_an_account])
def test_it_sees_what_is_given_to_it_and_the_inspector_says_why(
    small_world: SmallWorld,
    people: dict[str, User],
    service: User,
    give: Callable[[SmallWorld, User], None],
) -> None:
    give(small_world, service)
    assert found(caller(service)) == {"open", "handbook"}
    handbook = Document.objects.get(external_id="handbook")
    ada = small_world.viewer("ada")
    why = inspect(viewer=ada, person_id=service.pk, document_id=handbook.pk)
    assert (why.visible, why.person.is_service) == (True, True)
    assert [
        one.person.id for one in readers(viewer=ada, document_id=handbook.pk).people if one.person.is_service
    ]
    assert find_people(viewer=ada, text="box")[0].is_service
    salaries = Document.objects.get(external_id="salaries")
    assert not inspect(viewer=ada, person_id=service.pk, document_id=salaries.pk).visible


def test_what_is_taken_away_again_is_gone_with_the_next_request(
    small_world: SmallWorld, service: User
) -> None:
    _by_an_alias(small_world, service)
    program = caller(service)
    assert found(program) == {"open", "handbook"}
    release_address(address="search-robot@example.com", actor="test")
    assert found(program) == {"open"}


def test_membership_that_grew_old_gives_it_nothing(small_world: SmallWorld, service: User) -> None:
    _by_a_group(small_world, service)
    Connection.objects.update(max_age_s=0)
    assert seen(viewer_for(service)) == set()


def test_disabled_or_revoked_the_next_request_is_refused(small_world: SmallWorld, service: User) -> None:
    program = caller(service)
    document = Document.objects.get(external_id="open").pk

    def answered() -> list[int]:
        return [program.get("search", q="guest network").status, program.get(f"documents/{document}").status]

    assert answered() == [200, 200]
    close_account(user_id=service.pk, actor="test")
    assert answered() == [401, 401]
    assert program.post("ask", {"question": "guest network"}).status == 401
    assert seen(viewer_for(service)) == set()
    other = add_service_account(word="other", name="", contact="IT desk", actor="test")
    key = issue_key(user_id=other.pk, name="x", days=9, actor="test", scopes=scopes_for(other))
    assert Caller(f"Bearer {key.text}").get("search", q="guest").status == 200
    revoke_key(key_id=key.id, user_id=other.pk, actor="test")
    assert Caller(f"Bearer {key.text}").get("search", q="guest").status == 401


def test_an_answer_that_is_being_written_is_cut_when_the_account_is_closed(
    small_world: SmallWorld, service: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, question = caller(service), {"question": "What is the guest network called?"}
    assert "ondam-guest" in program.post("ask", question).body.decode()
    written = answering._sentences

    def closed_meanwhile(model: ChatModel, plan: TurnPlan, request: ModelRequest) -> Iterator[AnswerSentence]:
        for sentence in written(model, plan, request):
            close_account(user_id=service.pk, actor="test")
            yield sentence

    monkeypatch.setattr(answering, "_sentences", closed_meanwhile)
    assert "ondam-guest" not in program.post("ask", question).body.decode()


def test_its_keys_inspect_nothing_and_open_nothing_of_others(
    small_world: SmallWorld, people: dict[str, User], service: User
) -> None:
    program = caller(service)
    for path in ("permissions/people", f"permissions/people/{service.email}/sources"):
        assert program.get(path, text="ann").status == 404, path
    assert program.get("sources/1/jobs").status == 401


def test_the_log_names_the_account(small_world: SmallWorld, service: User) -> None:
    caller(service)
    issued = AuditEvent.objects.get(event="api_key_issued")
    assert issued.data["user"] == "box@service.invalid"
