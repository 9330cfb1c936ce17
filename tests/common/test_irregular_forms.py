"""Irregular English forms count as the word that they are a form of."""

from __future__ import annotations

import pytest

from assistant.common.analysis import terms
from assistant.common.irregular_forms import BASE_FORM


@pytest.mark.parametrize(
    ("form", "word"),
    [("paid", "pays"), ("Lent", "lending"), ("children", "child"), ("criteria", "criterion")],
)
def test_a_form_is_found_by_its_word(form: str, word: str) -> None:
    assert terms(form) == terms(word)


@pytest.mark.parametrize("form", ["left", "won", "found", "leaves", "lives", "resent"])
def test_what_is_more_often_another_word_stays_itself(form: str) -> None:
    assert form not in BASE_FORM


def test_no_form_leads_to_another_form() -> None:
    assert not set(BASE_FORM.values()) & set(BASE_FORM)
