"""Programs are limited by key and by account, and are told for how long to wait."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from tests.api.calling import Answer, caller_of
from tests.api.pushing import ANN, Program, note, pushing_program
from tests.conftest import SmallWorld


def held(answer: Answer) -> int:
    """For how long the answer says to wait; 0 where it is none of these."""
    if answer.status != 429:
        return 0
    assert answer.error == "too_many"
    wait = int(answer.headers["Retry-After"])
    assert f"Wait {wait} s." in answer.message
    return wait


def test_one_key_is_held_and_the_others_of_the_person_are_not(
    small_world: SmallWorld, people: dict[str, User], settings: LazySettings
) -> None:
    settings.MUNDAP_KEY_REQUESTS_PER_MINUTE = 4
    one, other, bobs = caller_of(people["ann"]), caller_of(people["ann"]), caller_of(people["bob"])
    waits = [held(one.get("documents/1")) for _ in range(6)]
    assert waits[:3] == [0, 0, 0]
    assert 5 <= waits[-1] <= 15  # the calls took a part of it
    assert held(other.get("documents/1")) == 0
    assert held(bobs.get("documents/1")) == 0


def test_all_keys_of_an_account_are_held_together(
    small_world: SmallWorld, people: dict[str, User], settings: LazySettings
) -> None:
    settings.MUNDAP_REQUESTS_PER_MINUTE = 6
    keys = [caller_of(people["ann"]) for _ in range(10)]
    assert sum(held(key.get("documents/1")) == 0 for key in keys) <= 6
    assert held(caller_of(people["bob"]).get("documents/1")) == 0


def test_questions_of_programs_are_counted_by_account_whatever_the_key(
    small_world: SmallWorld, people: dict[str, User], settings: LazySettings
) -> None:
    settings.MUNDAP_QUESTIONS_PER_MINUTE = 2
    first, second = caller_of(people["ann"]), caller_of(people["ann"])
    question = {"question": "How many days a week is remote work allowed?"}
    assert [held(key.post("ask", question)) > 0 for key in (first, second, first, second)] == [
        False,
        False,
        True,
        True,
    ]
    assert held(first.get("search", q="remote work")) == 0


def test_a_key_that_does_not_work_or_lacks_the_scope_counts_for_nobody(
    small_world: SmallWorld, people: dict[str, User], settings: LazySettings
) -> None:
    settings.MUNDAP_KEY_REQUESTS_PER_MINUTE = settings.MUNDAP_REQUESTS_PER_MINUTE = 1
    ann = caller_of(people["ann"])
    assert [ann.get("permissions/people", text="a").status for _ in range(3)] == [404] * 3
    assert held(ann.get("documents/1")) == 0
    assert held(ann.get("documents/1")) > 0


@pytest.fixture
def program(people: dict[str, User]) -> Program:
    """A program that may push into the source `notes`."""
    return pushing_program("notes")


def test_a_source_takes_so_many_bytes_a_day_by_whatever_key(
    db: None, program: Program, settings: LazySettings
) -> None:
    settings.MUNDAP_PUSH_BYTES_PER_DAY = 2_000
    document = note("a", ANN)
    assert program.put({**document, "text": "x" * 900}) == ["added"]
    wait = held(program.post("documents", documents=[{**document, "text": "x" * 1_700}]))
    assert 3_600 < wait <= 86_400
    assert held(program.post("documents", documents=[document])) == 0
    assert program.post("jobs", name="").status == 200  # a job can be begun and ended


def test_pushes_of_one_key_are_held(db: None, program: Program, settings: LazySettings) -> None:
    settings.MUNDAP_PUSHES_PER_MINUTE = 3
    waits = [held(program.post("documents/delete", ids=["a"])) for _ in range(5)]
    assert waits[0] == 0
    assert waits[-1] > 0
