"""Nothing that is written holds a secret that this process has in hand, however it is spelt."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.known_secrets import (
    MARK,
    UNGUESSABLE,
    remember,
    remember_for_good,
    remember_json,
    without_secrets,
)
from assistant.common.sealing import seal, unseal

SPELLINGS: dict[str, Callable[[str], str]] = {
    "itself": lambda text: text,
    "percent": lambda text: quote(text, safe=""),
    "path": quote,
    "form": quote_plus,
    "small percent": lambda text: re.sub("%..", lambda code: code[0].lower(), quote(text, safe="")),
    "JSON": json.dumps,
    "JSON with Korean": lambda text: json.dumps(text, ensure_ascii=False),
    "Python": repr,
    "a page": html.escape,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a pair": lambda text: base64.b64encode(f"mundap:{text}".encode()).decode(),
    "base64 of a header": lambda text: base64.b64encode(f"a: {text}\nb".encode()).decode(),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(f"ab{text}c".encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", ["plain-enough-4711", 'q"u\\o/t=e&d <b> %41', "비밀번호-아주-깁니다"])
def test_a_secret_is_found_however_it_is_spelt(secret: str, spelling: str) -> None:
    remember(secret)
    written = without_secrets(f"the server said <{SPELLINGS[spelling](secret)}> twice")
    assert written.startswith("the server said <")
    assert written.endswith("> twice")
    assert MARK in written
    assert secret not in written
    assert SPELLINGS[spelling](secret) not in written


@given(secret=st.text(min_size=UNGUESSABLE, max_size=60), around=st.text(max_size=40))
def test_no_made_up_secret_survives(secret: str, around: str) -> None:
    remember(secret)
    line = secret.splitlines()[0].strip() if secret.splitlines() else ""
    if len(line) >= UNGUESSABLE and not line.startswith("-----") and line not in MARK:
        assert line not in without_secrets(f"{around} {line} {around}")
        assert json.dumps(line) not in without_secrets(f"{around} {json.dumps(line)}")


def test_a_short_secret_breaks_up_no_longer_one() -> None:
    remember("harbour-prod-9f8a7c6b", "harbour")
    assert without_secrets("key harbour-prod-9f8a7c6b of harbour") == f"key {MARK} of {MARK}"


def test_secrets_of_the_environment_are_pushed_out_by_no_others() -> None:
    remember_for_good("the-key-of-this-environment")
    remember("the-key-of-a-source-4711")
    for number in range(2_100):
        remember(f"one-of-many-secrets-{number}")
    assert without_secrets("x the-key-of-this-environment") == f"x {MARK}"
    assert MARK not in without_secrets("x the-key-of-a-source-4711")  # as many as can be kept


def test_certificates_are_public_and_take_nobodys_place() -> None:
    remember(
        "-----BEGIN CERTIFICATE-----\nMIIpubliclinepublicline\n-----END CERTIFICATE-----\nsecretline-4711"
    )
    assert without_secrets("MIIpubliclinepublicline") == "MIIpubliclinepublicline"
    assert without_secrets("secretline-4711") == MARK


def test_each_line_of_a_private_key_is_a_secret() -> None:
    remember("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nAbCdEfGhIjKlMnOpQrSt==\n-----END KEY-----\n")
    assert without_secrets("loaded AbCdEfGhIjKlMnOpQrSt== from disk") == f"loaded {MARK} from disk"
    assert without_secrets("-----BEGIN KEY-----") == "-----BEGIN KEY-----"


def test_what_is_sealed_and_opened_is_known_from_then_on() -> None:
    sealed = seal(json.dumps({"password": "sealed-canary-77"}), key="k" * 50, purpose="source 1")
    assert without_secrets("sealed-canary-77 refused") == f"{MARK} refused"
    remember_json("a plain key of a model")
    assert MARK in without_secrets("Bearer a plain key of a model")
    assert "sealed-canary-77" in unseal(sealed, key="k" * 50, purpose="source 1")


def test_where_somebody_could_guess_short_secrets_stay_as_they_are() -> None:
    remember("short-77", "long-enough-for-anybody")
    text = "short-77 long-enough-for-anybody"
    assert without_secrets(text, shortest=UNGUESSABLE) == f"short-77 {MARK}"
