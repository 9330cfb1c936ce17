"""A file of leaked passwords is searched by halves, and nothing is taken while it cannot be read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts.models import User
from assistant.factors.breached import is_in
from assistant.factors.common_passwords import is_common, words_of_the_place

PASSWORDS = st.sets(st.text(min_size=1, max_size=12), max_size=30)


def laid_down(file: Path, passwords: set[str], *, ending: str = "\r\n", counts: bool = True) -> Path:
    """A file as Have I Been Pwned gives it."""
    hashes = sorted(
        hashlib.sha1(one.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper()
        for one in passwords
    )
    lines = (f"{one}:{number * 977}" if counts else one for number, one in enumerate(hashes, start=1))
    file.write_bytes(ending.join(lines).encode("ascii"))
    return file


@given(PASSWORDS, PASSWORDS, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_each_password_of_the_file_is_found_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, leaked: set[str], others: set[str], ending: str, counts: bool
) -> None:
    file = laid_down(tmp_path_factory.mktemp("leaked") / "file", leaked, ending=ending, counts=counts)
    for one in leaked | others:
        assert is_in(file, one) == (one in leaked)


def test_a_leaked_password_is_refused_and_another_is_taken(tmp_path: Path, settings: LazySettings) -> None:
    validate_password("a plain long sentence")
    file = laid_down(tmp_path / "leaked", {"a plain long sentence", "x", "y"})
    settings.MUNDAP_BREACHED_PASSWORDS = str(file)
    validate_password("another plain long sentence")
    with pytest.raises(ValidationError) as refused:
        validate_password("a plain long sentence")
    assert [error.code for error in refused.value.error_list] == ["password_breached"]


def test_while_the_file_is_missing_no_password_is_taken(tmp_path: Path, settings: LazySettings) -> None:
    settings.MUNDAP_BREACHED_PASSWORDS = str(tmp_path / "nothing")
    with pytest.raises(ValidationError) as refused:
        validate_password("a plain long sentence")
    assert [error.code for error in refused.value.error_list] == ["password_not_checked"]


def test_words_of_the_place_make_no_password(settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["ask.hanbit-steel.example", ".intra", "*", "[::1]"]
    words = words_of_the_place("ann@daehan.example.com")
    assert words == {"ask", "hanbit", "steel", "example", "intra", "daehan"}
    for password in ("Hanbit-Steel2026!", "daehandaehan1", "steel!hanbit!99", "auditor-mundap-7"):
        assert is_common(password, words), password
    assert not is_common("Hanbit-Steel2026!")
    assert not is_common("steel horses like rain", words)


def test_the_domain_and_the_name_of_the_person_make_no_password() -> None:
    person = User(email="ann@daehan.example.com", name="Annabel Longworth")
    for password in ("daehan-2026-2027", "annabellongworth"):
        with pytest.raises(ValidationError):
            validate_password(password, person)
    validate_password("steel horses like rain", person)
