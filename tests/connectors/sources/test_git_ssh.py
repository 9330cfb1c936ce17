"""Repositories over ssh, from a real OpenSSH server: who is asked, and who is let in."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.common.types import Json
from connectors.sdk.contract import Connector
from connectors.sdk.errors import Reconfigure, Stop
from tests.connectors.conformance import check_listing, listed, text_of, upserts
from tests.connectors.servers.git_ssh import GitSsh, git_ssh, make_key
from tests.connectors.sources.git_world import GitWorld


@pytest.fixture
def server() -> GitSsh:
    return git_ssh()


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    world = GitWorld(tmp_path)
    world.put("plan.md", "# The plan")
    world.repository.commit()
    return world


def over_ssh(world: GitWorld, server: GitSsh, *, key: str | None = None, **more: Json) -> Connector:
    """The world's repository by another way."""
    config: dict[str, Json] = {
        "repositories": [server.address(world.repository.folder)],
        "audience": ["everyone"],
        "host_keys": server.host_key,
        **more,
    }
    return world.kind.build(config, {"ssh_key": server.key if key is None else key}, world.surroundings)


def test_a_repository_is_read_with_a_key(world: GitWorld, server: GitSsh) -> None:
    connector = over_ssh(world, server)
    found = upserts(check_listing(connector))
    (document,) = found.values()
    assert document.external_id.endswith(":plan.md")
    assert text_of(document.fetch()) == "# The plan"
    assert all(item.ok for item in connector.check())
    connector.close()


def test_another_host_key_is_refused(world: GitWorld, server: GitSsh, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    with pytest.raises(Reconfigure, match="host key"):
        listed(over_ssh(world, server, host_keys=f"[localhost]:{server.port} {other}"))
    unknown = server.host_key.replace("localhost", "git.example.com")
    with pytest.raises(Reconfigure, match="host key"):
        listed(over_ssh(world, server, host_keys=unknown))


def test_without_a_host_key_nobody_is_asked(world: GitWorld, server: GitSsh) -> None:
    with pytest.raises(Reconfigure, match="host_keys"):
        listed(over_ssh(world, server, host_keys=" "))


def test_another_key_is_refused_and_never_told(world: GitWorld, server: GitSsh, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    key = (tmp_path / "other").read_text()
    connector = over_ssh(world, server, key=key)
    with pytest.raises(Reconfigure) as caught:
        listed(connector)
    assert key.splitlines()[1] not in str(caught.value)
    connector.close()


def test_a_repository_that_is_not_there_stops_the_run(world: GitWorld, server: GitSsh) -> None:
    world.vanish()
    with pytest.raises(Stop):
        listed(over_ssh(world, server))


def test_the_key_lies_on_the_disk_for_its_owner_alone_and_goes_with_the_connector(
    world: GitWorld, server: GitSsh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    private.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(private))
    connector = over_ssh(world, server)
    listed(connector)
    (key,) = private.rglob("key")
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700
    connector.close()
    assert list(private.iterdir()) == []
