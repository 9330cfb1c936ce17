"""What a model writes becomes plain sentences with the numbers that they cite."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.errors import ModelUnavailable
from assistant.providers.written_text import Written, plain, sentences_of

WRITTEN = (
    "You may work remotely **three days** a week [1]. The manager must approve. [1, 2] "
    'See [the page](http://evil.example/?q=x) and ![x](http://evil.example/x.png "t").\n'
    "- Requests go to the portal.【1】\n## 계약직은 제외돼요.[2] 2024. 5. 3.에 시행돼요 [2]."
)
SENTENCES = [
    Written("You may work remotely three days a week.", (1,)),
    Written("The manager must approve.", (1, 2)),
    Written("See the page and x.", ()),
    Written("Requests go to the portal.", (1,)),
    Written("계약직은 제외돼요.", (2,)),
    Written("2024. 5. 3.에 시행돼요.", (2,)),
]


@given(st.lists(st.integers(0, len(WRITTEN)), max_size=20))
def test_sentences_are_the_same_in_whatever_pieces_they_come(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(WRITTEN)]
    pieces = [WRITTEN[a:b] for a, b in pairwise(places)]
    assert list(sentences_of(pieces)) == SENTENCES


def test_a_sentence_is_handed_over_while_the_next_is_written() -> None:
    def pieces() -> Iterator[str]:
        yield "Fifteen days. "
        yield "The next sentence has begun by now"
        raise AssertionError("the first sentence was held back")

    assert next(sentences_of(pieces())) == Written("Fifteen days.", ())


@pytest.mark.parametrize("empty", ["", " \n", "[1]", "** ** [2].", "---", "![](http://evil.example/x)"])
def test_what_says_nothing_is_no_sentence(empty: str) -> None:
    assert list(sentences_of([empty])) == []


@given(st.lists(st.text(max_size=60), max_size=10))
def test_whatever_is_written_no_letter_is_lost_and_no_address_stays_a_link(pieces: list[str]) -> None:
    for written in sentences_of(pieces):
        assert "](" not in written.text
        assert "\n" not in written.text


@given(st.text(alphabet="ab.[]()!:/ \n1<>", max_size=120))
def test_no_link_of_markdown_is_left_whatever_is_written(text: str) -> None:
    assert "](" not in plain(text)


def test_a_message_that_breaks_off_hands_over_what_was_whole_and_nothing_else() -> None:
    def pieces() -> Iterator[str]:
        yield "Three days [1]. Two in win"
        raise ModelUnavailable("It broke off.")

    read = sentences_of(pieces())
    assert next(read).text == "Three days."
    with pytest.raises(ModelUnavailable, match="broke off"):
        next(read)


def test_citations_side_by_side_leave_nothing_between_them() -> None:
    (written,) = sentences_of(["Three days [1], [2]; [123456]."])
    assert (written.text, written.cited) == ("Three days.", (1, 2, 123456))
