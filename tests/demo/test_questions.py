"""The demo company, synced as on a first start, answers its questions from what each asker may read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from assistant.access import mask
from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import User
from assistant.chat.finding import ask, search
from assistant.common.types import Json
from assistant.demo.seed import seed
from assistant.index.registry import opened_index
from assistant.sync.engine import execute_run
from assistant.sync.selectors import run_progress
from tests.demo.test_company import (
    ADMIN,
    HYUNJIN,
    JIWOO,
    MINSEO,
    MUST_FAIL,
    QUESTIONS,
    STRANGER,
    Question,
    may_read,
    plain,
    questions,
)
from tests.embedded_once import embed_once

# django_db makes pytest-django create the tables: it looks at the marks before any fixture runs.
pytestmark = [pytest.mark.slow, pytest.mark.django_db]

ACCOUNTS = (JIWOO, MINSEO, HYUNJIN, ADMIN, STRANGER)
FROM_HOME = ("How many days a week may I work from home?", "Does the company pay for a chair at home?")
HOME_IN_2025 = "How many days a week could I work from home in 2025?"
TOP = 5
LEAST_FOUND = 0.95
LEAST_CITED = 0.78
LEAST_HELD = 0.76
LEAST_REFUSED = 0.85


@dataclass(frozen=True, slots=True)
class Cited:
    """A document that an answer cites, with its passage."""

    document: str
    passage: str


@dataclass(frozen=True, slots=True)
class Replies:
    """What the company's people got: the documents found, and citations, by question."""

    found: Mapping[str, Sequence[str]]
    # By account and question text, see `askers_of_each`. Nothing: refused.
    cited: Mapping[tuple[str, str], Sequence[Cited]]
    noted: Mapping[str, Sequence[tuple[str, tuple[str, ...]]]]  # by question: (kind, documents) of each note

    def to_asker(self, question: Question) -> Sequence[Cited]:
        return self.cited[question.asker, question.text]


def _forget() -> None:
    mask.forget()
    opened_index.cache_clear()


@pytest.fixture(scope="module")
def replies(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Replies:
    """Everybody's answers to everything. One sync serves all tests: its rows are rolled back at the end."""
    home = tmp_path_factory.mktemp("ondam")
    quickly = "django.contrib.auth.hashers.MD5PasswordHasher"  # nobody signs in
    with (
        django_db_blocker.unblock(),
        pytest.MonkeyPatch.context() as patch,
        override_settings(PASSWORD_HASHERS=[quickly]),
    ):
        patch.setattr(django_settings, "MUNDAP_INDEX_DIR", home / "index")
        patch.setattr(
            timezone, "localdate", lambda: date(2026, 11, 22)
        )  # the company's documents are of this year
        embed_once(patch)
        _forget()
        with transaction.atomic():
            run_id = seed(home)
            User.objects.create_user(STRANGER, "correct horse battery staple", name="Stranger")
            assert execute_run(run_id)
            assert run_progress(run_id).failed == len(MUST_FAIL)
            collected = _collected()
            transaction.set_rollback(True)
    _forget()
    return collected


def barred_pairs() -> set[tuple[str, str]]:
    """Every account with every document that answers a question and that it may not read."""
    gold = {document for question in questions() for document in question.gold}
    return {(email, document) for email in ACCOUNTS for document in gold if not may_read(email, document)}


def askers_of_each() -> dict[str, set[str]]:
    """By question: who is to ask it, and who may not read what answers it, once for each such document."""
    askers: dict[str, set[str]] = {}
    for question in questions():
        askers.setdefault(question.text, set()).add(question.asker)
    tempted = {
        (email, document)
        for question in questions()
        for document in question.gold
        for email in askers[question.text]
    }
    for question in questions():
        for email in ACCOUNTS:
            barred = {(email, document) for document in question.gold if not may_read(email, document)}
            if not barred <= tempted:
                askers[question.text].add(email)
                tempted |= barred
    return askers


def _collected() -> Replies:
    viewers = {email: viewer_for(User.objects.get(email=email)) for email in ACCOUNTS}
    askers = askers_of_each()
    texts = sorted(askers)
    answers = {
        (email, text): ask(text, viewer=viewers[email]) for text in texts for email in sorted(askers[text])
    }
    at_home = {text: ask(text, viewer=viewers[JIWOO]) for text in (*FROM_HOME, HOME_IN_2025)}
    return Replies(
        {question.id: _found(question.text, viewers[question.asker]) for question in questions()},
        {asked: _cited(answer) for asked, answer in answers.items()},
        {
            **{text: _noted(answer) for text, answer in at_home.items()},
            **{question.id: _noted(answers[question.asker, question.text]) for question in questions()},
        },
    )


def _noted(answer: Mapping[str, Json]) -> list[tuple[str, tuple[str, ...]]]:
    notes = json.loads(json.dumps(answer["notes"]))
    return [(note["kind"], tuple(source["external_id"] for source in note["sources"])) for note in notes]


def _found(text: str, viewer: Viewer) -> list[str]:
    return [str(hit["external_id"]) for hit in search(text, viewer=viewer, k=TOP)]


def _cited(answer: Mapping[str, Json]) -> list[Cited]:
    citations = answer["citations"]
    assert isinstance(citations, list)
    cited = []
    for citation in citations:
        assert isinstance(citation, dict)
        cited.append(Cited(str(citation["external_id"]), str(citation["passage"])))
    return cited


def _same_language() -> list[Question]:
    """Answerable questions that are not put in another language than their document's."""
    rows = map(json.loads, QUESTIONS.read_text(encoding="utf-8").splitlines())
    crossing = {row["id"] for row in rows if row.get("cross")}
    return [question for question in questions() if question.answerable and question.id not in crossing]


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits)


def test_the_document_that_answers_is_among_the_first_five(replies: Replies) -> None:
    hits = [not set(question.gold).isdisjoint(replies.found[question.id]) for question in _same_language()]
    assert len(hits) > 90
    assert _share(hits) >= LEAST_FOUND


def test_most_answers_cite_the_document_that_answers(replies: Replies) -> None:
    hits = [
        any(cited.document in question.gold for cited in replies.to_asker(question))
        for question in _same_language()
    ]
    assert _share(hits) >= LEAST_CITED


def test_most_cited_passages_hold_the_answer(replies: Replies) -> None:
    hits = [
        any(
            plain(answer) in plain(cited.passage)
            for cited in replies.to_asker(question)
            for answer in question.answers
        )
        for question in _same_language()
    ]
    assert _share(hits) >= LEAST_HELD


def test_an_answer_from_the_older_english_guideline_names_the_korean_one_that_replaced_it(
    replies: Replies,
) -> None:
    older, newer = "company/remote-work-guideline-2025.md", "company/재택근무_가이드라인_2026.md"
    for question in FROM_HOME:
        assert replies.noted[question] == [("superseded", (older, newer))]
    assert replies.noted[HOME_IN_2025] == []


def test_no_question_of_the_company_gets_a_note_without_need(replies: Replies) -> None:
    noted = {question.id: replies.noted[question.id] for question in questions()}
    assert {name: notes for name, notes in noted.items() if notes} == {}


def test_what_the_readable_documents_do_not_answer_is_refused(replies: Replies) -> None:
    refused = [not replies.to_asker(question) for question in questions() if not question.answerable]
    assert len(refused) >= 10
    assert _share(refused) >= LEAST_REFUSED


def test_everybody_asks_for_every_document_that_they_may_not_read(replies: Replies) -> None:
    asked = {
        (email, document)
        for question in questions()
        for email, text in replies.cited
        if text == question.text
        for document in question.gold
    }
    assert len(barred_pairs()) > 200
    assert barred_pairs() - asked == set()


@pytest.mark.parametrize("email", ACCOUNTS)
def test_no_answer_cites_a_document_that_its_asker_may_not_read(replies: Replies, email: str) -> None:
    mine = [cited for (asker, _), all_cited in replies.cited.items() if asker == email for cited in all_cited]
    assert [cited.document for cited in mine if not may_read(email, cited.document)] == []
    assert bool(mine) is (email != STRANGER)
