"""An address has one form on both sides of every comparison, and no two people share one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.errors import UsageError
from assistant.common.identity import MAX_EMAIL_LENGTH, canonical_email

addresses = st.builds(
    lambda local, domain: f"{local}@{domain}.example",
    st.text(min_size=1, max_size=20),
    st.text(min_size=1, max_size=20),
)


def _canonical(address: str) -> str | None:
    try:
        return canonical_email(address)
    except UsageError:
        return None


@given(addresses)
def test_the_form_of_a_form_is_itself(address: str) -> None:
    once = _canonical(address)
    assert once is None or canonical_email(once) == once


@given(addresses)
def test_a_form_has_one_at_sign_no_space_and_fits_its_column(address: str) -> None:
    once = _canonical(address)
    if once is not None:
        assert once.count("@") == 1
        assert not any(character.isspace() or character < " " for character in once)
        assert len(once) <= MAX_EMAIL_LENGTH


@given(st.from_regex(r"[a-z0-9.+_-]{1,20}@[a-z0-9-]{1,20}\.example", fullmatch=True))
def test_case_width_and_blanks_around_make_no_difference(address: str) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in address)
    assert canonical_email(address) == address
    assert canonical_email(f" \t{address.upper()}\n") == address
    assert canonical_email(wide) == address


@given(
    st.from_regex(r"[a-z0-9.+_-]{1,12}@[a-z0-9-]{1,12}\.example", fullmatch=True),
    st.from_regex(r"[a-z0-9.+_-]{1,12}@[a-z0-9-]{1,12}\.example", fullmatch=True),
)
def test_two_plain_addresses_that_differ_stay_two(one: str, other: str) -> None:
    assert (canonical_email(one) == canonical_email(other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@example.com", "ann+hr@example.com"),
        ("ann@example.com", "a.nn@example.com"),
        ("ann@example.com", "аnn@example.com"),  # Cyrillic a
        ("ann@example.com", "ann@examp1e.com"),
        ("ann@example.com", "ann\u200b@example.com"),
        ("ann@example.com", "ann@example.com.kr"),
        ("paolo@example.com", "paоlo@example.com"),
        ("김철수@example.com", "김철슈@example.com"),
    ],
)
def test_look_alikes_are_two_people(one: str, other: str) -> None:
    assert _canonical(one) != _canonical(other)


def test_composed_and_decomposed_hangul_are_one_address() -> None:
    name = "김철수@example.com"
    assert canonical_email(unicodedata.normalize("NFD", name)) == canonical_email(name)


@pytest.mark.parametrize(
    "text",
    ["", " ", "ann", "@", "ann@", "@example.com", "a b@example.com", "ann@exa mple.com", "ann@@example.com",
     "ann@b@example.com", "ann\x00@example.com", "ann@example.com\nbob@example.com", "ann＠x@example.com",
     "a" * 250 + "@example.com", "ann\u2003bob@example.com"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        canonical_email(text)
