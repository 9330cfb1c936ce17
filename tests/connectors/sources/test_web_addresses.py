"""One page has one address, whatever its spelling, and endless ones are left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.web.addresses import Scope, canonical, is_trap

HERE = "https://handbook.example.com/docs/"

SPELLINGS = {
    "HTTPS://Handbook.Example.com:443/docs/a#part": "https://handbook.example.com/docs/a",
    "https://handbook.example.com": "https://handbook.example.com/",
    "b": HERE + "b",
    "../x": "https://handbook.example.com/x",
    "./a/./b/../c": HERE + "a/c",
    "/%7eana/%c3%a9 ?q=%41": "https://handbook.example.com/~ana/%C3%A9%20?q=A",
    "회의록": HERE + "%ED%9A%8C%EC%9D%98%EB%A1%9D",
    "https://bücher.example/": "https://xn--bcher-kva.example/",
    "?page=2": HERE + "?page=2",
    "a;jsessionid=1F?PHPSESSID=9&b=1": HERE + "a?b=1",
    "a?": HERE + "a",
    "http://[::1]:8080/x": "http://[::1]:8080/x",
    "a\n\tb": HERE + "ab",
}
NO_PAGES = (
    "mailto:ana@example.com", "javascript:alert(1)", "ftp://x/", "https://ana:pw@x.example/", "http://[x",
    "http://x:99999/", "data:text/html,x",
)  # fmt: skip


@pytest.mark.parametrize(("spelling", "page"), SPELLINGS.items())
def test_every_spelling_of_an_address_leads_to_one(spelling: str, page: str) -> None:
    assert canonical(spelling, base=HERE) == page
    assert canonical(page) == page


@pytest.mark.parametrize("link", NO_PAGES)
def test_what_is_no_page_has_no_address(link: str) -> None:
    assert canonical(link, base=HERE) == ""


@given(st.text(max_size=60))
def test_the_canonical_address_is_a_fixed_point_of_plain_characters(link: str) -> None:
    found = canonical(link, base=HERE)
    assert canonical(found) == found
    assert found.isascii()
    assert found.isprintable()


def test_tracking_parameters_count_unless_they_are_named() -> None:
    link = HERE + "a?utm_source=x&id=3"
    assert canonical(link) == link
    assert canonical(link, dropped=("UTM_*",)) == HERE + "a?id=3"


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example.com/docs/a",
        "https://handbook.example.com/docs-old/a",
        "https://handbook.example.com.evil.example/docs/a",
        HERE + "drafts/plan",
        HERE + "logo.PNG",
        HERE + "log-out?now",
    ],
)
def test_what_lies_elsewhere_or_is_left_out_does_not_belong(link: str) -> None:
    scope = Scope((HERE,), ("/docs/drafts/*",), signed_in=True)
    assert scope.address(link) == ""
    assert scope.address(HERE + "a") == HERE + "a"


def test_an_old_link_without_tls_leads_to_the_page_with_it() -> None:
    assert Scope((HERE,)).address("http://handbook.example.com/docs/a") == HERE + "a"


def test_a_prefix_ends_with_a_step_of_the_path() -> None:
    scope = Scope(("https://x.example/docs",))
    assert scope.address("https://x.example/docs?a=1")
    assert scope.address("https://x.example/docs/a")
    assert not scope.address("https://x.example/docsearch")


@pytest.mark.parametrize(
    "path",
    ["a/b/" * 4, "/".join(map(str, range(21))), "x" * 600, "cal?" + "&".join(f"p{n}=1" for n in range(9))],
)
def test_endless_addresses_are_traps(path: str) -> None:
    assert is_trap(HERE + path)


def test_ordinary_addresses_are_no_traps() -> None:
    assert not is_trap(HERE + "2026/01/01/notes?page=2&sort=date")
