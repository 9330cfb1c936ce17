"""For all tests of SAML."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _keys_made_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own keys are shorter, so that no test waits for them."""
    monkeypatch.setattr("assistant.identity.saml.keys._BITS", 2048)
