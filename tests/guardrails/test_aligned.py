"""The legible text with places says the same as `legible`, and every place leads back to what was given."""

from __future__ import annotations

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from assistant.guardrails.checks.aligned import aligned
from assistant.guardrails.checks.legible import legible

# What composes, decomposes, widens, hides or stands in the ranges between.
ODD = (
    "ab1 -가각ㄱㅏㄳ힣ᆨﾡￂｶﾞが①½…e\u0301\u0315\u0323\u200b\u3164\u00a0"
    "\u115f\u1160ㅇㅕㄴﬁ㈜\u00ad\u0bc6\u0bbe\x00\n"
)
TEXTS = st.text(st.one_of(st.sampled_from(ODD), st.characters(codec=None)), max_size=40)


@given(TEXTS)
@example("e\u0301\u200b\u0323한글 ㈜가")
@example("연\u1107\u1169\u11bc")
def test_it_reads_the_same_as_legible(given_text: str) -> None:
    assert aligned(given_text).text == legible(given_text)


@given(TEXTS)
def test_places_are_ascending_and_lie_in_the_text(given_text: str) -> None:
    view = aligned(given_text)
    assert len(view.text) == len(view.starts) == len(view.ends)
    assert list(view.starts) == sorted(view.starts)
    assert list(view.ends) == sorted(view.ends)
    assert all(0 <= start < end <= len(given_text) for start, end in zip(view.starts, view.ends, strict=True))


@given(TEXTS, st.data())
def test_a_piece_leads_back_to_characters_that_hold_it(given_text: str, data: st.DataObject) -> None:
    view = aligned(given_text)
    if not view.text:
        return
    start = data.draw(st.integers(0, len(view.text) - 1))
    end = data.draw(st.integers(start + 1, len(view.text)))
    begin, finish = view.span(start, end)
    assert view.text[start:end] in legible(given_text[begin:finish])


def test_decomposed_hangul_leads_back_to_all_its_letters() -> None:
    given_text = "(" + unicodedata.normalize("NFD", "연봉") + ")"
    view = aligned(given_text)
    assert view.text == "(연봉)"
    assert view.span(1, 3) == (1, len(given_text) - 1)
