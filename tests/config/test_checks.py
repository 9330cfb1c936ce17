"""Start-up checks say what is wrong, where, and what to do."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.checks import CheckMessage
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts.models import User
from assistant.common.errors import MundapError
from assistant.config import checks, exposure
from assistant.demo.accounts import add_demo_accounts


def ids(messages: list[CheckMessage]) -> set[str]:
    return {message.id or "" for message in messages}


def pretend_sqlite(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if DATABASE_URL named an SQLite file."""
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", "/srv/x.sqlite3")


@pytest.fixture(autouse=True)
def _only_this_machine(settings: LazySettings) -> None:
    """The runner of the tests allows a name more."""
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


def test_a_home_below_a_file_is_refused(settings: LazySettings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.MUNDAP_HOME = tmp_path / "file" / "home"
    found = checks.home_is_writable(None)
    assert ids(found) == {"mundap.E001"}
    assert str(settings.MUNDAP_HOME) in found[0].msg
    assert "MUNDAP_HOME" in (found[0].hint or "")


def test_a_writable_home_is_fine_and_left_empty(settings: LazySettings, tmp_path: Path) -> None:
    settings.MUNDAP_HOME = tmp_path / "home"
    assert checks.home_is_writable(None) == []
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize("kind", ["nfs4", "cifs"])
def test_sqlite_on_a_network_filesystem_is_refused(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    pretend_sqlite(settings, monkeypatch)
    monkeypatch.setattr(checks, "filesystem_kind", lambda folder: kind)
    assert ids(checks.sqlite_is_able(None)) == {"mundap.E003"}


def test_an_old_sqlite_is_refused(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_sqlite(settings, monkeypatch)
    monkeypatch.setattr(checks, "OLDEST_SQLITE", (99, 0, 0))
    assert ids(checks.sqlite_is_able(None)) == {"mundap.E002"}


def test_the_filesystem_of_a_folder_is_that_of_the_longest_mount_point(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/a / ext4 rw 0 0\nserver:/x /data nfs4 rw 0 0\n/dev/b /data/my\\040disk xfs rw 0 0\n",
        encoding="utf-8",
    )
    assert checks.filesystem_kind(Path("/data/x"), mounts=mounts) == "nfs4"
    assert checks.filesystem_kind(Path("/database"), mounts=mounts) == "ext4"
    assert checks.filesystem_kind(Path("/data/my disk/x"), mounts=mounts) == "xfs"
    assert checks.filesystem_kind(Path("/data"), mounts=tmp_path / "absent") == ""


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CELERY_BROKER_URL", "sqs://x", "mundap.E004"),
        ("CELERY_BROKER_URL", "", "mundap.E004"),
        ("MUNDAP_EMBEDDER", ("word2vec", ""), "mundap.E005"),
        ("MUNDAP_CHAT_MODEL", "oracle", "mundap.E005"),
        ("MUNDAP_INDEX_ENGINE", "telepathy", "mundap.E005"),
        ("MUNDAP_EMBEDDER", ("sentence-transformers", "/nowhere/at/all"), "mundap.E006"),
        ("MUNDAP_RERANKER_MODEL", "/nowhere/at/all", "mundap.E006"),
    ],
)
def test_unknown_parts_are_named(settings: LazySettings, name: str, value: object, expected: str) -> None:
    setattr(settings, name, value)
    assert ids([*checks.parts_are_known(None), *checks.search_models_are_there(None)]) == {expected}


@pytest.mark.parametrize(
    ("url", "model", "expected"),
    [
        ("", "llama", {"mundap.E006"}),
        ("http://llm:8000/v1", "", {"mundap.E006"}),
        ("llm:8000/v1", "llama", {"mundap.E006"}),
        ("ftp://llm/v1", "llama", {"mundap.E006"}),
        ("http://llm:8000/v1", "llama", set()),
    ],
)
def test_a_language_model_needs_a_server_and_a_name(
    settings: LazySettings, url: str, model: str, expected: set[str]
) -> None:
    settings.MUNDAP_CHAT_MODEL = "openai-compatible"
    settings.MUNDAP_CHAT_URL, settings.MUNDAP_CHAT_MODEL_NAME = url, model
    assert ids(checks.parts_are_known(None)) == expected


@pytest.mark.parametrize(
    "broker", ["filesystem://", "redis://h/0", "rediss://h/0", "amqp://h//", "amqps://h//"]
)
def test_every_documented_broker_is_known(settings: LazySettings, broker: str) -> None:
    settings.CELERY_BROKER_URL = broker
    assert checks.parts_are_known(None) == []


def test_debug_is_refused_where_others_can_reach_it(settings: LazySettings) -> None:
    settings.MUNDAP_HOST, settings.DEBUG = "0.0.0.0", True
    assert "mundap.E008" in ids(checks.exposure_is_safe(None))
    settings.MUNDAP_HOST = "127.0.0.1"
    assert checks.exposure_is_safe(None) == []
    settings.ALLOWED_HOSTS = ["localhost", "ask.example.com"]  # behind a proxy of this machine
    assert "mundap.E008" in ids(checks.exposure_is_safe(None))
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["localhost"], True
    assert "mundap.E008" in ids(checks.exposure_is_safe(None))


def test_an_exposed_server_is_advised_about_tls_and_its_names(settings: LazySettings) -> None:
    settings.MUNDAP_HOST = "10.0.0.5"
    settings.ALLOWED_HOSTS = ["localhost", "[::1]"]
    assert ids(checks.exposure_is_safe(None)) == {"mundap.W001", "mundap.W002"}
    settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = True, ["ask.example.com"]
    assert checks.exposure_is_safe(None) == []
    settings.ALLOWED_HOSTS = ["*"]
    assert ids(checks.exposure_is_safe(None)) == {"mundap.W003"}


def test_a_short_secret_key_is_refused(settings: LazySettings) -> None:
    settings.SECRET_KEY = "x" * 31
    assert ids(checks.exposure_is_safe(None)) == {"mundap.E007"}


@pytest.mark.parametrize(
    "key",
    ["ab" * 40, "django-insecure-" + "k3$x" * 12, "change-me-" + "q9Zw7p" * 8, "Secret" + "q9Zw7pL2" * 5],
)
def test_a_key_that_others_know_or_guess_is_refused(settings: LazySettings, key: str) -> None:
    settings.SECRET_KEY = key
    assert ids(checks.exposure_is_safe(None)) == {"mundap.E007"}
    assert key not in str(checks.exposure_is_safe(None))


@given(st.sampled_from([secrets.token_urlsafe, secrets.token_hex]), st.integers(24, 80))
def test_a_random_key_is_taken(make: Callable[[int], str], size: int) -> None:
    assert exposure.weakness_of_key(make(size)) == ""


@pytest.mark.django_db
def test_open_demo_accounts_are_told_where_others_reach_the_server(
    settings: LazySettings, tmp_path: Path
) -> None:
    settings.MUNDAP_HOME = tmp_path
    add_demo_accounts(tmp_path)
    assert checks.open_demo_accounts() == []
    settings.ALLOWED_HOSTS = ["ask.example.com"]
    assert ids(checks.open_demo_accounts()) == {"mundap.W004"}
    settings.SECURE_SSL_REDIRECT = True
    (told,) = checks.open_demo_accounts()
    assert told.id == "mundap.E013"
    assert "ask.example.com" in told.msg
    assert "admin@ondam.example" in told.msg
    with pytest.raises(MundapError, match="demo's passphrase"):
        checks.require_readiness()
    for user in User.objects.all():
        user.set_password(secrets.token_urlsafe())
        user.save()
    assert checks.open_demo_accounts() == []


def test_all_errors_are_reported_at_once_one_line_each(settings: LazySettings) -> None:
    settings.SECRET_KEY, settings.CELERY_BROKER_URL = "short", "sqs://x"
    with pytest.raises(MundapError) as caught:
        checks.require_readiness()
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.django_db
def test_a_migrated_database_is_ready() -> None:
    assert checks.database_problems() == []


@pytest.mark.django_db
def test_a_missing_migration_is_named_with_the_command_that_mends_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sync'")
    found = checks.database_problems()
    assert ids(found) == {"mundap.E011"}
    assert "manage.py prepare" in (found[0].hint or "")


@pytest.mark.parametrize("folder", ["", "/nowhere/at/all"])
def test_a_language_model_in_a_folder_needs_the_folder(
    settings: LazySettings, tmp_path: Path, folder: str
) -> None:
    settings.MUNDAP_CHAT_MODEL, settings.MUNDAP_CHAT_MODEL_NAME = "transformers", folder
    assert ids(checks.parts_are_known(None)) == {"mundap.E006"}
    settings.MUNDAP_CHAT_MODEL_NAME = str(tmp_path)
    assert checks.parts_are_known(None) == []


@pytest.mark.parametrize("missing", ["", "MUNDAP_CHAT_URL", "MUNDAP_CHAT_MODEL_NAME", "MUNDAP_CHAT_API_KEY"])
def test_a_model_of_amazon_needs_address_id_and_key(settings: LazySettings, missing: str) -> None:
    settings.MUNDAP_CHAT_MODEL = "bedrock"
    settings.MUNDAP_CHAT_URL = "https://bedrock-runtime.eu-central-1.amazonaws.com"
    settings.MUNDAP_CHAT_MODEL_NAME, settings.MUNDAP_CHAT_API_KEY = "amazon.model-v1:0", "id:secret"
    if missing:
        setattr(settings, missing, "")
    assert ids(checks.parts_are_known(None)) == ({"mundap.E006"} if missing else set())


def test_a_file_of_leaked_passwords_must_be_there(settings: LazySettings, tmp_path: Path) -> None:
    settings.MUNDAP_BREACHED_PASSWORDS = ""
    assert checks.leaked_passwords_are_there(None) == []
    settings.MUNDAP_BREACHED_PASSWORDS = str(tmp_path / "nothing")
    (error,) = checks.leaked_passwords_are_there(None)
    assert "MUNDAP_BREACHED_PASSWORDS" in error.msg
    (tmp_path / "nothing").touch()
    assert checks.leaked_passwords_are_there(None) == []
