"""Secrets open with their key and for their purpose, and for nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.errors import MundapError
from assistant.common.sealing import seal, unseal

KEY = "a key that is only used in tests"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_opens_again(plain: str) -> None:
    assert unseal(seal(plain, key=KEY, purpose="source 7"), key=KEY, purpose="source 7") == plain


def test_the_sealed_bytes_do_not_hold_the_secret_and_never_repeat() -> None:
    one, other = (seal("hunter2-hunter2", key=KEY, purpose="source 7") for _ in range(2))
    assert b"hunter2" not in one
    assert one != other


@pytest.mark.parametrize(("key", "purpose"), [("another key", "source 7"), (KEY, "source 8"), (KEY, "")])
def test_another_key_or_purpose_opens_nothing(key: str, purpose: str) -> None:
    with pytest.raises(MundapError, match="MUNDAP_SECRET_KEY"):
        unseal(seal("hunter2", key=KEY, purpose="source 7"), key=key, purpose=purpose)


@given(st.data())
def test_one_altered_bit_anywhere_opens_nothing(data: st.DataObject) -> None:
    sealed = bytearray(seal("hunter2", key=KEY, purpose="source 7"))
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << place % 8
    with pytest.raises(MundapError):
        unseal(bytes(sealed), key=KEY, purpose="source 7")
