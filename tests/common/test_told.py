"""A told sentence is a text that can be told again; whatever stands in its place is only a text."""

from __future__ import annotations

import copy
import json
import pickle

from hypothesis import given
from hypothesis import strategies as st

from assistant.common.errors import DocumentFailure, FailureCode, UsageError
from assistant.common.os_reasons import os_reason
from assistant.common.told import Told, filled, is_bare, parts, restored, said, told
from assistant.common.types import Json

INNER = told("the key '{key}' is unknown", key="a{b}")
OUTER = told("The access file '{name}' {error}. Mend it and sync again.", name="길.json", error=INNER)
JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["template", "values", "text", "x"]), inner)
    ),
    max_leaves=12,
)


def test_it_is_the_english_sentence() -> None:
    assert OUTER == "The access file '길.json' the key 'a{b}' is unknown. Mend it and sync again."
    assert json.dumps({"detail": OUTER}, ensure_ascii=False).startswith('{"detail": "The access file')
    assert OUTER.values["error"] is INNER


def test_copies_and_other_processes_know_its_template() -> None:
    for copied in (pickle.loads(pickle.dumps(OUTER)), copy.deepcopy(OUTER)):
        assert isinstance(copied, Told)
        assert (str(copied), copied.template, copied.values) == (str(OUTER), OUTER.template, OUTER.values)


def test_an_error_gives_its_sentence_back_and_is_told_within_another_one() -> None:
    assert said(UsageError(OUTER)) is OUTER
    assert said(UsageError("plain")) == "plain"
    assert said(OSError(2, INNER)) == "[Errno 2] " + INNER
    assert told("first: {error}", error=ValueError(INNER)).values["error"] is INNER
    assert told("first: {error}", error=ValueError("plain")).values["error"] == "plain"


def test_why_a_document_failed_is_told_again_with_its_detail() -> None:
    sentence = said(DocumentFailure(FailureCode.REFUSED, OUTER))
    assert sentence == f"refused: {OUTER}"
    assert isinstance(sentence, Told)
    assert sentence.values["detail"] is OUTER
    assert said(DocumentFailure(FailureCode.GONE)) == "gone"


def test_what_is_kept_of_it_brings_it_back() -> None:
    kept = json.loads(json.dumps(parts(OUTER)))
    again = restored(str(OUTER), kept)
    assert isinstance(again, Told)
    assert (again, again.template) == (OUTER, OUTER.template)
    inner = again.values["error"]
    assert isinstance(inner, Told)
    assert (inner, inner.template, inner.values) == (INNER, INNER.template, INNER.values)
    assert parts("a plain text") is None


@given(kept=JSON, text=st.text(max_size=20))
def test_whatever_was_kept_the_text_is_read(kept: Json, text: str) -> None:
    assert restored(text, kept) == text


def test_parts_that_say_more_than_the_text_are_not_taken() -> None:
    kept: Json = {"template": "{a}", "values": {"a": "much more than that"}}
    assert not isinstance(restored("short", kept), Told)


def test_sentences_within_sentences_have_an_end() -> None:
    kept: Json = {"template": "{a}", "values": {"a": "x"}}
    for _ in range(500):
        kept = {"template": "{a}", "text": "x", "values": {"a": kept}}
    sentence = restored("x", kept)
    depth = 0
    while isinstance(sentence, Told):
        sentence, depth = sentence.values["a"], depth + 1
    assert depth < 20


def test_a_value_is_no_template_and_a_format_is_no_order() -> None:
    assert filled("{a} {{b}}", {"a": "{b}", "b": "x"}) == "{b} {b}"
    assert filled("{a.__class__} {a:>9999999999}", {"a": "x"}) == "{a.__class__} {a:>9999999999}"
    assert filled("{a} {b}", {"a": "x"}) is None


def test_where_sentences_meet_there_is_one_full_stop() -> None:
    assert told("{error}. Mend it.", error="It ends.") == "It ends. Mend it."
    assert told("{error}: and on", error="It ends.") == "It ends.: and on"


def test_only_a_template_without_words_is_bare() -> None:
    assert [
        is_bare(each) for each in ("{a}: {b}", "'{a}' ({b})", "{a} and", "{a}{a}", "", "{a.b}", "{}")
    ] == [
        True,
        True,
        False,
        False,
        False,
        False,
        False,
    ]


def test_the_system_is_told_too_where_it_says_what_it_always_says() -> None:
    assert isinstance(os_reason(FileNotFoundError(2, "No such file or directory", "secret/path")), Told)
    assert os_reason(OSError(1, "library routines")) == "library routines"
    assert isinstance(os_reason(TimeoutError("timed out")), Told)
    assert os_reason(OSError(22, INNER)) is INNER
