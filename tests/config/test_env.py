"""The environment becomes typed values, or one clear line."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.common.errors import UsageError
from assistant.config.env import REPOSITORY, read_environment


def test_an_empty_environment_gives_safe_defaults(tmp_path: Path) -> None:
    environment = read_environment({"MUNDAP_HOME": str(tmp_path)})
    assert environment.host == "127.0.0.1"
    assert not environment.debug
    assert environment.database_url == f"sqlite:///{tmp_path / 'mundap.sqlite3'}"
    assert environment.broker_url == "filesystem://"


def test_the_own_secret_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    first = read_environment({"MUNDAP_HOME": str(tmp_path)}).secret_key
    again = read_environment({"MUNDAP_HOME": str(tmp_path)}).secret_key
    assert first == again
    assert len(first) >= 64
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_a_value_may_come_from_a_file_and_the_variable_itself_wins(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://from-file/x\n", encoding="utf-8")
    base = {"MUNDAP_HOME": str(tmp_path), "DATABASE_URL_FILE": str(file)}
    assert read_environment(base).database_url == "postgresql://from-file/x"
    both = {**base, "DATABASE_URL": "postgresql://direct/x"}
    assert read_environment(both).database_url == "postgresql://direct/x"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MUNDAP_PORT", "http"),
        ("MUNDAP_PORT", "0"),
        ("MUNDAP_PORT", "70000"),
        ("MUNDAP_PORT", "٨٠"),
        ("MUNDAP_DEBUG", "maybe"),
        ("MUNDAP_MAX_FILE_MB", "-1"),
        ("MUNDAP_PARSE_SECONDS", "1.5"),
        ("MUNDAP_ALLOWED_NETWORKS", "10.0.0.0/99"),
        ("DATABASE_URL_FILE", "/nowhere/at/all"),
        ("MUNDAP_EMBED_ORIGINS", "*"),
        ("MUNDAP_EMBED_ORIGINS", "https://*.example.com"),
        ("MUNDAP_EMBED_ORIGINS", "http://portal.example.com"),
        ("MUNDAP_EMBED_ORIGINS", "https://portal.example.com/page"),
        ("MUNDAP_EMBED_ORIGINS", "https://portal.example.com; script-src *"),
    ],
)
def test_a_bad_value_names_its_variable(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name):
        read_environment({"MUNDAP_HOME": str(tmp_path), name: value})


def test_a_home_below_a_file_is_named_as_unwritable(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UsageError, match="MUNDAP_HOME"):
        read_environment({"MUNDAP_HOME": str(file / "home")})


def test_a_bad_value_ends_a_command_with_one_line_and_status_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={**os.environ, "MUNDAP_HOME": str(tmp_path), "MUNDAP_PORT": "eighty"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "MUNDAP_PORT must be a whole number from 1 to 65535, not 'eighty'.\n"


def test_proxies_are_addresses_or_networks(tmp_path: Path) -> None:
    home = {"MUNDAP_HOME": str(tmp_path)}
    assert read_environment(home).trusted_proxies == ("127.0.0.1", "::1")
    named = read_environment({**home, "MUNDAP_TRUSTED_PROXIES": "10.1.0.0/16, 192.0.2.7"})
    assert named.trusted_proxies == ("10.1.0.0/16", "192.0.2.7")
    for wrong in ("proxy.example.com", "*", "10.1.0.1/16"):
        with pytest.raises(UsageError, match="MUNDAP_TRUSTED_PROXIES"):
            read_environment({**home, "MUNDAP_TRUSTED_PROXIES": wrong})


def test_sessions_end_after_a_day_without_use_and_a_week_in_all(tmp_path: Path) -> None:
    environment = read_environment({"MUNDAP_HOME": str(tmp_path)})
    assert (environment.session_idle_s, environment.session_longest_s) == (24 * 3600, 7 * 24 * 3600)


def test_behind_tls_cookies_bear_names_that_no_other_host_can_plant(tmp_path: Path) -> None:
    script = (
        "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME,"
        " s.LANGUAGE_COOKIE_NAME, s.CSRF_COOKIE_HTTPONLY, s.MESSAGE_STORAGE.rpartition('.')[2],"
        " s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS,"
        " s.SECURE_HSTS_INCLUDE_SUBDOMAINS)"
    )
    environ = {
        **os.environ,
        "MUNDAP_HOME": str(tmp_path),
        "MUNDAP_HTTPS": "1",
        "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
    }
    said = subprocess.check_output([sys.executable, "-c", script], cwd=REPOSITORY, env=environ, text=True)
    names = ["__Host-sessionid", "__Host-csrftoken", "__Host-django_language"]
    assert said.split() == [*names, "True", "SessionStorage", "True", "True", "31536000", "True"]
