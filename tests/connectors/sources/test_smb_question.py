"""The question for a descriptor is what the library would send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smbprotocol.open import (
    CreateDisposition,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    SMB2CreateRequest,
)

from connectors.sources.smb.question import ANY_SHARING, AS_IT_IS, descriptor_question


def by_the_library(path: str) -> bytes:
    opening = SMB2CreateRequest()
    opening["impersonation_level"] = ImpersonationLevel.Impersonation
    opening["desired_access"] = FilePipePrinterAccessMask.READ_CONTROL
    opening["share_access"] = ANY_SHARING
    opening["create_disposition"] = CreateDisposition.FILE_OPEN
    opening["create_options"] = AS_IT_IS
    opening["buffer_path"] = path.encode("utf-16-le") if path else b"\x00\x00"
    packed: bytes = opening.pack()
    return packed


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_path_is_packed_as_the_library_packs_it(path: str) -> None:
    opening, query, close = descriptor_question(path)
    assert opening.pack() == by_the_library(path)
    assert [len(each) for each in (opening, query, close)] == [len(opening.pack()), 40, 24]


def test_a_path_that_no_request_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        descriptor_question("x" * 32_768)
    with pytest.raises(ValueError, match="surrogates"):
        descriptor_question("\ud800")
