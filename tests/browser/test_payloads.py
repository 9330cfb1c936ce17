"""A few of the script payloads of `payloads`: none runs, is made into an element, or reaches another host."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.sdk.document_fields import web_address
from tests.browser.payload_world import STORED, address_of
from tests.browser.payload_writing import FAMILIES, MARK, payloads
from tests.browser.payloads import allotted, attacked, missing

pytestmark = pytest.mark.browser
COUNT = 60


def test_no_payload_runs_or_leaves_from_any_page_that_shows_it(installed: None, tmp_path: Path) -> None:
    planted = allotted(COUNT, seed=7)
    found = attacked(tmp_path, planted, both=False)
    assert found.what == {}
    assert found.refused == {}, "only the policy stopped it: something was not escaped"
    assert missing(planted, found) == {}
    assert len(found.control) > 8, "the detectors see what runs where nothing is escaped"


def test_payloads_are_the_same_for_a_seed_and_of_every_family() -> None:
    made = payloads(3, 400)
    assert made == payloads(3, 400)
    assert made != payloads(4, 400)
    assert {one.family for one in made} == set(FAMILIES)
    for one in made:
        assert MARK.match(one.text)
        assert one.text.startswith(one.mark)


def test_every_sink_has_a_payload_that_fits() -> None:
    planted = allotted(COUNT, seed=7)
    assert all(planted.values())
    assert all(len(one.text) <= most for name, (most, _) in STORED.items() for one in planted[name])


@pytest.mark.parametrize("seed", [1, 3, 7])
def test_every_payload_in_an_address_comes_past_the_connectors_rule_for_addresses(seed: int) -> None:
    planted = [one.text for one in allotted(2_000, seed)["address of a document"]]
    addresses = [address_of(text) for text in (*planted, "zq00000z\ufeff<svg>", "zq00000z<\u200bimg src=x>")]
    assert [address for address in addresses if web_address(address) != address] == []
    assert all(MARK.search(address) for address in addresses)


@pytest.mark.parametrize("character", ["\ufeff", "\u200b", "\u202e", "\u00ad", "\u00a0", "\n", "\x00"])
def test_an_address_with_a_character_that_nobody_sees_is_dropped(character: str) -> None:
    assert web_address(f"https://wiki.example/a{character}b") == ""
