"""Every route x everybody x every method answers as the table says, and nobody reaches what is another's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from assistant.accounts.models import User
from assistant.accounts.roles import RIGHTS, Right
from assistant.accounts.scopes import Scope
from assistant.api.keys import for_keys
from assistant.chat import selectors
from assistant.console.administrators import with_right
from assistant.web.signed_in import for_people
from tests.conftest import SmallWorld
from tests.security.crawling import all_routes
from tests.security.grounds import Grounds, laid_out
from tests.security.idor import attempt_all
from tests.security.inventory import as_markdown, digest_of_tables, rights_as_markdown, run
from tests.security.rewriting import rewritten
from tests.security.wanted_access import ADMIN, WANTED

View = Callable[..., Any]  # guards of pages and of calls take views of different types

# Slow, so that only one database does it: the answers are our code's, not the database's.
pytestmark = pytest.mark.slow


@pytest.fixture
def grounds(small_world: SmallWorld, people: dict[str, User], tmp_path: Path) -> Grounds:
    """The world of all things."""
    return laid_out(small_world, people, tmp_path)


def test_every_route_has_a_line_in_the_table_and_no_line_is_of_a_route_that_is_gone() -> None:
    there = {route for route in all_routes() if not route.startswith(ADMIN)}
    assert there == {route for route in WANTED if not route.startswith(ADMIN)}


def test_every_route_answers_everybody_by_every_method_as_the_table_says(grounds: Grounds) -> None:
    before = digest_of_tables()
    report = run(grounds)
    assert not report.surprises, "\n".join(report.surprises)
    assert digest_of_tables() == before
    assert report.combinations > 9_000
    assert report.outcomes["let in"] > 500


def test_nobody_opens_by_its_number_or_name_what_is_not_theirs(grounds: Grounds) -> None:
    before = digest_of_tables()
    found = attempt_all(grounds)
    assert not found.successes, "\n".join(found.successes)
    assert digest_of_tables() == before
    assert found.made > 1_500


def test_planted_mistakes_surprise(grounds: Grounds) -> None:
    for name, route, plant in _PLANTED:
        assert not run(grounds, routes=[route]).surprises, route
        with plant(route):
            assert run(grounds, routes=[route]).surprises, name


def test_a_planted_missing_owner_is_found_by_offering_what_is_not_theirs(grounds: Grounds) -> None:
    route = "turns/<int:turn_id>/"
    assert not attempt_all(grounds, routes=[route]).successes
    with rewritten(selectors._conversations, [("user_id=viewer.user_id, ", "")]):
        assert attempt_all(grounds, routes=[route]).successes


def test_the_table_for_reviewers_names_every_route_and_who_may() -> None:
    table = as_markdown()
    assert all(f"`/{route}`" in table for route in WANTED)
    assert "| `/console/audit/` | GET | see_audit | security_administrator, auditor, administrator |" in table


def test_the_rights_of_each_role_stand_in_the_document_for_reviewers() -> None:
    document = (Path(__file__).resolve().parents[2] / "SECURITY.md").read_text(encoding="utf-8")
    assert rights_as_markdown() in document


def test_each_right_has_a_role_and_only_the_administrator_has_all() -> None:
    assert {right for rights in RIGHTS.values() for right in rights} == set(Right)
    assert [role for role, rights in RIGHTS.items() if rights == set(Right)] == ["administrator"]
    assert not RIGHTS["employee"]


def _pattern(route: str) -> URLPattern:
    def walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
        for entry in resolver.url_patterns:
            path = prefix + str(entry.pattern)
            if isinstance(entry, URLPattern):
                yield path, entry
            else:
                yield from walk(entry, path)

    return next(pattern for path, pattern in walk(get_resolver(), "") if path == route)


def _inside(view: View, depth: int) -> View:
    for _ in range(depth):
        view = view.__wrapped__  # type: ignore[attr-defined]
    return view


def _planted(depth: int, guard: Callable[[View], View]) -> Callable[[str], AbstractContextManager[None]]:
    """The view without its outer `depth` guards, behind another one."""

    @contextmanager
    def plant(route: str) -> Iterator[None]:
        pattern = _pattern(route)
        with mock.patch.object(pattern, "callback", guard(_inside(pattern.callback, depth))):
            yield

    return plant


_SEE_AS_SOURCES = with_right(Right.SEE_SOURCES)
_PLANTED = (
    (
        "changing a role needs no right",
        "console/people/<int:person_id>/role/",
        _planted(2, lambda page: require_POST(for_people(page))),
    ),
    (
        "pausing a source needs no right",
        "console/sources/<int:source_id>/pause/",
        _planted(2, lambda page: require_POST(for_people(page))),
    ),
    (
        "the audit log needs no right",
        "console/audit/",
        _planted(2, lambda page: require_GET(for_people(page))),
    ),
    (
        "the audit log needs another right",
        "console/audit/",
        _planted(2, lambda page: require_GET(_SEE_AS_SOURCES(page))),
    ),
    ("a link discards the draft of rules", "console/guardrails/discard/", _planted(1, lambda page: page)),
    ("a forged form closes an account", "console/people/<int:person_id>/close/", _planted(0, csrf_exempt)),
    (
        "a key for searching reads documents",
        "api/v1/documents/<int:document_id>",
        _planted(2, for_keys("GET", scope=Scope.SEARCH)),
    ),
    (
        "a key inspects permissions without the right",
        "api/v1/permissions/documents/<int:document_id>/readers",
        _planted(2, for_keys("GET", scope=Scope.PERMISSIONS)),
    ),
)
