"""Web sites under a real server and under one that misbehaves."""

from __future__ import annotations

import os
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.common.types import Json
from connectors.sdk.contract import Connector
from connectors.sdk.errors import Reconfigure
from connectors.sdk.surroundings import Surroundings
from connectors.sources.web import crawl
from tests.connectors.conformance import World, listed, text_of, upserts
from tests.connectors.hostile import NetworkConformance
from tests.connectors.hostile_proxy import OPEN_TROUBLE
from tests.connectors.network_checks import NetworkWorld
from tests.connectors.servers.apache_site import PASSWORD, USER, apache
from tests.connectors.sources.audience_suite import AudienceConformance
from tests.connectors.sources.web_world import LOOPBACK, SpoiledWebWorld, WebWorld


class TestWeb(AudienceConformance, NetworkConformance):
    make_world = SpoiledWebWorld
    many = 10

    @pytest.fixture(autouse=True)
    def _small_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(crawl, "CHECKPOINT_EVERY", 3)

    def test_two_listings_of_the_same_source_are_equal(self, world: World) -> None:
        """Between two checkpoints: each of them names its own crawl."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(crawl, "CHECKPOINT_EVERY", 100)
            super().test_two_listings_of_the_same_source_are_equal(world)

    @pytest.mark.parametrize("trouble", [each for each in OPEN_TROUBLE if each != "not there"])
    def test_trouble_at_any_one_request_loses_nothing(self, world: NetworkWorld, trouble: str) -> None:
        """A page that the site says is not there is gone: `test_web_crawl` has that."""
        super().test_trouble_at_any_one_request_loses_nothing(world, trouble)

    @pytest.mark.parametrize("trouble", [each for each in OPEN_TROUBLE if each != "not there"])
    def test_trouble_that_lasts_loses_nothing(self, world: NetworkWorld, trouble: str) -> None:
        """As above."""
        super().test_trouble_that_lasts_loses_nothing(world, trouble)

    def furnish(self, world: World) -> None:
        """Read once, so that each run has something to remember and asks for what it does not keep."""
        super().furnish(world)
        with closing(world.connector()) as connector:
            listed(connector)


SUITES = (TestWeb,)


@pytest.fixture
def world(tmp_path: Path) -> WebWorld:
    world = WebWorld(tmp_path)
    world.set_acl("", allow=["everyone"])
    return world


def behind_the_password(world: WebWorld, password: str) -> Connector:
    private = apache().root / "private"
    (private / "plan.html").write_text("<title>Plan</title><p>Hidden plan</p>")
    (private / "plan.html").chmod(0o644)
    start = f"{apache().url}/private/plan.html"
    config: dict[str, Json] = {
        "start": [start],
        "audience": ["everyone"],
        "delay_ms": 0,
        "sign_in": "basic",
        "username": USER,
    }
    return WebWorld.kind.build(config, {"password": password}, Surroundings(LOOPBACK))


def test_basic_sign_in_opens_what_is_closed(world: WebWorld) -> None:
    connector = behind_the_password(world, PASSWORD)
    (found,) = upserts(connector.documents()).values()
    assert "Hidden plan" in text_of(found.fetch())
    connector.close()


def test_a_wrong_password_asks_for_the_administrator(world: WebWorld) -> None:
    connector = behind_the_password(world, "open barley")
    with pytest.raises(Reconfigure, match="401") as raised:
        list(connector.documents())
    assert "barley" not in str(raised.value)
    assert [item.step for item in connector.check() if not item.ok] == ["list"]


@pytest.mark.parametrize("times", [1, 1000], ids=["sent as it is", "sent compressed"])
def test_a_file_is_not_sent_again_once_its_stamp_is_old_enough_to_trust(world: WebWorld, times: int) -> None:
    def write(text: str) -> str:
        name = world.put("a.txt", text * times)
        for path in (world.root / "a.txt", world.root / "index.html"):
            os.utime(path, (1_700_000_000, 1_700_000_000))
        return name

    name = write("first")
    first = upserts(world.connector().documents())[name]
    assert first.modified == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    write("FIRST")  # the server takes it for the same file, which shows that it was asked for a newer one
    assert upserts(world.connector().documents())[name].version == first.version


def test_two_edits_within_one_second_are_both_seen(world: WebWorld) -> None:
    versions, now = set(), int(time.time())
    for text in ("one", "two"):
        name = world.put("a.txt", text)
        os.utime(world.root / "a.txt", (now, now))
        versions.add(upserts(world.connector().documents())[name].version)
    assert len(versions) == 2


def test_the_server_s_own_redirect_leads_to_the_page(world: WebWorld) -> None:
    world.put("a.txt", "first")
    folder = world.root / "more"
    folder.mkdir()
    folder.chmod(0o755)
    for path, text in (
        (folder / "index.html", "<p>more"),
        (world.root / "index.html", '<a href="more">more</a>'),
    ):
        path.write_text(text)
        path.chmod(0o644)
    assert set(upserts(world.connector().documents())) == {world.url, world.url + "more/"}
