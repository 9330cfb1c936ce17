"""Local-only mode at the start: what lies outside is named, and the stores of the installation are judged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event
from assistant.catalogue.models import LanguageModel
from assistant.common import local_only
from assistant.common.errors import UsageError
from assistant.common.local_only import Bounds
from assistant.common.network import parse_networks
from assistant.common.types import Json
from assistant.config import house, kept_in, outside, programs
from assistant.config.env import REPOSITORY, read_environment
from assistant.documents.models import SearchModel
from assistant.identity.kinds import KINDS as SIGN_INS
from assistant.identity.models import IdentityProvider
from assistant.sync.asked_hosts import asked_addresses
from assistant.sync.models import Source
from connectors.registry import KINDS, connector_kind
from tests.common.ssrf_askers import NO_ADDRESS, settings_naming

HOUSE = Bounds(parse_networks("10.20.0.0/16"), ("house.example",))


@pytest.fixture
def local(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The mode is on, and this machine knows no names but its own."""
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n", encoding="ascii")
    monkeypatch.setattr(local_only, "HOSTS_FILE", tmp_path / "hosts")
    monkeypatch.setattr(local_only, "RESOLVER_FILE", tmp_path / "none")
    settings.MUNDAP_LOCAL_ONLY = True
    settings.MUNDAP_LOCAL_NETWORKS, settings.MUNDAP_LOCAL_NAMES = HOUSE.networks, HOUSE.names
    with local_only.bound(HOUSE):
        yield


def source(kind: str, name: str, config: dict[str, Json]) -> Source:
    """A source's row, not checked by anybody."""
    return Source(connection=Connection(kind=kind, name=name), config=config)


def test_the_mode_is_read_from_the_environment(tmp_path: Path) -> None:
    base = {"MUNDAP_HOME": str(tmp_path)}
    off = read_environment(base)
    assert (off.local_only, off.local_networks, off.local_names) == (False, (), ())
    on = read_environment({
        **base, "MUNDAP_LOCAL_ONLY": "1", "MUNDAP_LOCAL_NETWORKS": "10.0.0.0/8, fd00::/8",
        "MUNDAP_LOCAL_NAMES": "Corp.Example.com., postgres",
    })  # fmt: skip
    assert (on.local_only, on.local_names) == (True, ("corp.example.com", "postgres"))
    assert on.local_networks == parse_networks("10.0.0.0/8 fd00::/8")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MUNDAP_LOCAL_NETWORKS", "0.0.0.0/0"),
        ("MUNDAP_LOCAL_NETWORKS", "128.0.0.0/1"),
        ("MUNDAP_LOCAL_NETWORKS", "::/0"),
        ("MUNDAP_LOCAL_NETWORKS", "office"),
        ("MUNDAP_LOCAL_NAMES", "*.example.com"),
        ("MUNDAP_LOCAL_NAMES", "10.0.0.1"),
        ("MUNDAP_LOCAL_NAMES", "https://wiki"),
        ("MUNDAP_LOCAL_ONLY", "maybe"),
    ],
)
def test_a_house_as_wide_as_the_world_and_odd_names_are_refused(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(UsageError, match=name):
        read_environment({"MUNDAP_HOME": str(tmp_path), name: value})


@pytest.mark.parametrize(
    ("database", "hostaddr"),
    [
        ({"HOST": "10.20.0.9", "PORT": 5432}, "10.20.0.9"),
        ({"HOST": "localhost"}, "127.0.0.1"),
        ({"HOST": "10.20.0.9,10.20.0.8", "PORT": "5432,5433"}, "10.20.0.9,10.20.0.8"),
        ({"HOST": "/run/postgresql"}, None),
        ({"HOST": ""}, None),
    ],
)
@pytest.mark.usefixtures("local")
def test_a_database_inside_is_tied_to_its_address(database: dict[str, Any], hostaddr: str | None) -> None:
    house.keep_database_inside(database)
    assert database["OPTIONS"].get("hostaddr") == hostaddr


@pytest.mark.parametrize(
    "database",
    [
        {"HOST": "8.8.8.8"},
        {"HOST": "10.20.0.9,8.8.8.8", "PORT": "5432"},
        {"HOST": "db.example.com"},
        {"HOST": "", "OPTIONS": {"host": "8.8.8.8"}},
        {"HOST": "10.20.0.9", "OPTIONS": {"hostaddr": "8.8.8.8"}},
        {"HOST": "10.20.0.9", "OPTIONS": {"service": "elsewhere"}},
    ],
)
@pytest.mark.usefixtures("local")
def test_a_database_outside_or_hidden_is_refused(database: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="DATABASE_URL"):
        house.keep_database_inside(database)


def test_without_the_mode_a_database_is_left_alone() -> None:
    database: dict[str, Any] = {"HOST": "8.8.8.8"}
    house.keep_database_inside(database)
    assert database == {"HOST": "8.8.8.8"}


@pytest.mark.parametrize("kind", sorted(set(KINDS) - NO_ADDRESS))
def test_the_server_of_every_kind_of_source_is_known(kind: str) -> None:
    for config in settings_naming(kind, "93.184.7.1"):
        hosts = {local_only.host_in(each) for each in asked_addresses(source(kind, "a", config))}
        assert hosts == {"93.184.7.1"}


def test_every_setting_that_names_a_server_exists() -> None:
    for name in KINDS:
        fields = {field.name for field in connector_kind(name).fields}
        assert set(connector_kind(name).asks) <= fields
        assert bool(connector_kind(name).asks) == (name not in NO_ADDRESS)
    for kind in SIGN_INS.values():
        assert set(kind.asks) <= {field.name for field in kind.load().FIELDS}
        assert kind.asks


def test_a_bucket_without_an_endpoint_is_amazons() -> None:
    assert asked_addresses(source("s3", "a", {"bucket": "b"})) == ("s3.amazonaws.com",)


@pytest.mark.usefixtures("local", "db")
def test_the_start_names_everything_that_lies_outside(settings: LazySettings) -> None:
    for number, (name, url) in enumerate(
        [
            ("Far", "https://93.184.7.1/a"),
            ("Near", "https://10.20.0.5/"),
            ("Named", "https://wiki.example.com/"),
        ]
    ):
        connection = Connection.objects.create(kind="dokuwiki", name=name)
        Source.objects.create(connection=connection, config={"url": url}, cron="" if number else "0 1 * * *")
    IdentityProvider.objects.create(
        kind="saml", slug="a", name="Company", settings={"metadata_url": "https://93.184.7.2/m"}
    )
    IdentityProvider.objects.create(
        kind="saml", slug="b", name="Pasted", settings={"sign_in_url": "https://93.184.7.2/"}
    )
    LanguageModel.objects.create(
        name="Large", kind="openai-compatible", address="https://93.184.7.3/v1", server_model="m"
    )
    LanguageModel.objects.create(name="Amazon", kind="bedrock", region="eu-central-1", server_model="m")
    LanguageModel.objects.create(
        name="Ours", kind="openai-compatible", address="http://gpu.house.example:8000/v1", server_model="m"
    )
    SearchModel.objects.create(
        name="Vectors", job="embedder", kind="openai-compatible", address="https://93.184.7.4/v1"
    )
    found = [message.msg for message in outside.outside_in_console()]
    assert [text.partition(" is kept")[0] for text in found] == [
        "The source 'Far'",
        "The source 'Named'",
        "The sign-in 'Company'",
        "The language model 'Large'",
        "The language model 'Amazon'",
        "The model 'Vectors'",
    ]
    assert "'wiki.example.com' is not looked up. If it is yours, add it to MUNDAP_LOCAL_NAMES" in found[1]
    settings.MUNDAP_LOCAL_ONLY = False
    assert list(outside.outside_in_console()) == []


@pytest.mark.usefixtures("local")
def test_a_model_of_the_environment_outside_stops_the_start(settings: LazySettings) -> None:
    settings.MUNDAP_CHAT_MODEL, settings.MUNDAP_CHAT_URL = "openai-compatible", "https://api.example.com/v1"
    settings.MUNDAP_EMBEDDER = ("openai-compatible", "m")
    settings.MUNDAP_EMBEDDER_URL = "http://10.20.0.7/v1"
    settings.MUNDAP_RERANKER, settings.MUNDAP_RERANKER_URL = "rerank-server", "http://93.184.7.1"
    found = outside.outside_in_environment()
    assert [message.id for message in found] == ["mundap.E020", "mundap.E020"]
    assert found[0].msg.startswith("MUNDAP_CHAT_URL: Local-only mode: the name 'api.example.com'")
    assert found[1].msg.startswith("MUNDAP_RERANKER_URL: Local-only mode: '93.184.7.1' is outside")


@pytest.mark.usefixtures("local")
def test_networks_without_effect_are_told(settings: LazySettings) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("10.20.7.0/24 192.168.0.0/16 10.0.0.0/8")
    found = outside.outside_in_environment()
    assert [message.id for message in found] == ["mundap.W021"]
    assert "forbids 192.168.0.0/16, 10.0.0.0/8" in found[0].msg
    settings.MUNDAP_LOCAL_ONLY = False
    assert "keep nothing inside by themselves" in outside.outside_in_environment()[0].msg


@pytest.mark.usefixtures("db")
def test_what_the_guard_refused_is_audited_once_an_hour() -> None:
    assert kept_in.record_hourly("socket.connect", "93.184.7.1")
    assert not kept_in.record_hourly("socket.getaddrinfo", "api.example.com")
    entry = AuditEvent.objects.get(event=Event.LOCAL_ONLY_REFUSED)
    assert entry.data == {"kind": "connect", "host": "93.184.7.1"}
    assert entry.at > timezone.now() - timedelta(minutes=1)


def test_every_program_is_guarded_before_it_does_anything(tmp_path: Path) -> None:
    """Web, workers, scheduler and commands read the settings, and with them take the guard."""
    modules = {part for each in programs.programs() for part in each.command if part.startswith("assistant.")}
    assert modules == {"assistant.config.serve", "assistant.config.celery"}
    for module in sorted(modules):
        program = f"import {module}; from django.conf import settings; settings.DEBUG; " + (
            "from assistant.common import local_only; import socket\n"
            "assert local_only.in_force() is not None\n"
            "try: socket.create_connection(('93.184.7.1', 80), 1)\n"
            "except PermissionError: raise SystemExit(7)\n"
            "except OSError as error: raise SystemExit(7 if error.errno == 13 else 1)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=REPOSITORY,
            env={
                "PATH": "/usr/bin:/bin",
                "MUNDAP_HOME": str(tmp_path),
                "MUNDAP_LOCAL_ONLY": "1",
                "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 7, done.stderr
