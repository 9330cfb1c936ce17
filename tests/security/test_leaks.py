"""Every text field of every document carries a mark of its own; nobody is ever shown a foreign one."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from io import StringIO
from pathlib import Path
from random import Random
from unittest import mock

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.core.management import call_command
from django.db import transaction
from django.template import Context, Template
from django.test import override_settings
from django.utils.safestring import SafeString
from pytest_django import DjangoDbBlocker

from assistant.access import door
from assistant.accounts.roles import Right
from assistant.audit.models import AuditEvent
from assistant.chat.models import Conversation, Turn
from assistant.documents.models import Document
from assistant.index.registry import opened_index
from assistant.sync.models import RunState, SyncRun
from tests.security.canaries import (
    FAILED,
    FIELDS,
    GROUPS,
    LINES,
    MARK,
    OPEN,
    QUESTIONS,
    SOURCES,
    Canaries,
    is_inspection,
    laid_down,
)
from tests.security.crawling import NO_REAL_ROUTES, ROUTES, Shown, all_routes, asked, crawl, parameters
from tests.security.made_questions import questions

DOCUMENTS = 16
VISITORS = ("", "ann", "sam", "eve", "con", "sec", "ada")  # the command crawls as everybody
# Nothing that holds text of documents, questions or answers may be opened in Django's admin.
IN_ADMIN = {"auth", "django_celery_beat"}


@pytest.fixture(scope="module")
def laid(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Canaries, Path]]:
    """The world of marks, synced, with conversations of everybody: once for all tests here."""
    home = tmp_path_factory.mktemp("canaries")
    with django_db_blocker.unblock():
        with override_settings(MUNDAP_INDEX_DIR=home / "index"):
            yield laid_down(home, documents=DOCUMENTS, seed=1), home
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def world(laid: tuple[Canaries, Path], db: None, settings: LazySettings) -> Canaries:
    """The world; what a test changes in it is undone."""
    known, home = laid
    settings.MUNDAP_INDEX_DIR = home / "index"
    opened_index.cache_clear()
    return known


def test_every_route_has_an_entry_in_the_inventory() -> None:
    there = {route for route in all_routes() if not route.startswith("admin/")}
    assert there == set(ROUTES) - NO_REAL_ROUTES
    assert {model._meta.app_label for model in admin.site._registry} == IN_ADMIN


def test_no_route_shows_anybody_a_foreign_mark(world: Canaries, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    random, known = Random(1), parameters(world)
    seen: dict[str, set[str]] = {}
    for name in VISITORS:
        visitor = world.visitors[name]
        for shown in crawl(world, visitor, most=5, random=random, known=known):
            assert shown.status < 500, (name, shown.method, shown.path)
            assert not world.foreign(name, shown.path, shown.text), (name, shown.method, shown.path)
            _assert_refused(world, name, shown)
            seen.setdefault(name, set()).update(MARK.findall(shown.text))
    for name in ("ann", "sam", "ada"):  # what is theirs is shown, so that the crawl can fail
        assert len(seen[name] & world.own(name)) > len(FIELDS), name
    for name in ("sec", "ada"):
        assert GROUPS & seen[name], name
    assert seen["con"] >= FAILED
    assert not GROUPS & (seen["con"] | seen["ann"])
    assert not seen[""]
    assert not seen["eve"]
    assert not MARK.findall(caplog.text)
    audited = json.dumps(list(AuditEvent.objects.values_list("actor", "event", "data")))
    assert set(MARK.findall(audited)) <= SOURCES  # that a source was added, and by which name


def _assert_refused(world: Canaries, name: str, shown: Shown) -> None:
    """Who lacks the right is told nothing but that there is no such page."""
    user = world.visitors[name].user
    inspects = user is not None and user.has_right(Right.INSPECT_PERMISSIONS)
    manages = user is not None and user.has_right(Right.MANAGE_PEOPLE)
    people = shown.path.startswith("/console/people/")
    models = shown.path.startswith("/console/models/")
    may_models = user is not None and user.has_right(Right.MANAGE_MODELS)
    if (
        (is_inspection(shown.path) and not inspects)
        or (people and not manages)
        or (models and not may_models)
    ):
        assert shown.status in {302, 401, 404, 429}, (name, shown.path)  # 429: too many keys that do not work


def test_no_page_of_the_admin_shows_a_mark(world: Canaries) -> None:
    for name in VISITORS:
        visitor = world.visitors[name]
        for route in all_routes():
            if route.startswith("admin/") and "^" not in route and "(" not in route:
                path = re.sub(r"<path:\w+>", "1", f"/{route}")
                answer = visitor.client.get(path)
                if name not in ("con", "ada"):
                    assert answer.status_code in {302, 403, 404}, (name, path)
                found = set(MARK.findall(answer.content.decode(errors="replace")))
                assert not found - {f"kanariperson{name}0"}, (name, path)


def test_no_question_and_no_search_gives_a_foreign_mark_away(world: Canaries) -> None:
    random = Random(2)
    told: dict[str, set[str]] = {}
    for name in sorted(OPEN):
        for question in (*QUESTIONS[:2], *questions(world, 3, random)):
            for command in ("search", "ask"):
                out, err = StringIO(), StringIO()
                call_command(command, question, "--as", f"{name}@example.com", stdout=out, stderr=err)
                assert json.loads(out.getvalue())
                assert not world.foreign(name, "", out.getvalue() + err.getvalue()), (name, command, question)
                told.setdefault(name, set()).update(MARK.findall(out.getvalue()))
    assert all(told[name] for name in OPEN)


def test_nothing_of_a_hidden_document_comes_back_with_a_question_about_it(world: Canaries) -> None:
    """The same question by the API, asked by those who may know and those who may not."""
    secret = next(one for one in world.documents if one.readers == {"cho"} and one.source == LINES)
    query = f"?q={secret.thing}+{secret.marks['text']}+{secret.marks['title']}"
    for name in sorted(OPEN):
        shown = asked(world, world.visitors[name], "GET", f"/api/v1/search{query}", {})
        assert shown.status == 200
        assert not world.foreign(name, "", shown.text), name
        assert (secret.marks["text"] in shown.text) == (name == "cho")


def test_the_progress_of_a_run_names_one_document_to_who_manages_sources(world: Canaries) -> None:
    """By its id alone, as failed documents are named to them; who only sees sources is told none."""
    run = SyncRun.objects.filter(source_id=world.source_ids[LINES]).latest("pk")
    SyncRun.objects.filter(pk=run.pk).update(
        state=RunState.RUNNING, finished_at=None, current_item=world.documents[2].marks["id"]
    )
    path = f"/console/sources/{run.source_id}/runs/{run.pk}/"
    named = {world.documents[2].marks["id"]}
    for name, told in (("con", named), ("ada", named), ("aud", set())):
        shown = asked(world, world.visitors[name], "GET", path, {"HX-Request": "true"})
        assert set(MARK.findall(shown.text)) - {LINES} == told, name


def test_a_broken_page_says_nothing(world: Canaries, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the error page nor the log repeats what the page was about to show."""
    caplog.set_level(logging.DEBUG)
    mine = Document.objects.get(external_id=world.documents[0].marks["id"]).pk
    paths = [f"/documents/{mine}/", f"/api/v1/documents/{mine}", "/api/v1/search?q=pump"]
    paths += [f"/c/{conversation}/" for conversation in Conversation.objects.values_list("pk", flat=True)]
    parts = ("shown_title", "TextBlock", "Passage")
    breakages: list[AbstractContextManager[object]] = [
        mock.patch.object(door, part, side_effect=AttributeError("broken")) for part in parts
    ]
    breakages.append(mock.patch.object(Template, "render", _render_no_page_of_ours))
    for breakage in breakages:
        with breakage, transaction.atomic():
            answers = [asked(world, world.visitors["ann"], "GET", path, {}) for path in paths]
        broken = [shown for shown in answers if shown.status == 500]
        assert broken
        for shown in broken:
            assert not MARK.findall(shown.text), shown.path
    assert not MARK.findall(caplog.text)


_render = Template.render


def _render_no_page_of_ours(template: Template, context: Context) -> SafeString:
    if str(template.name).startswith("web/"):
        raise AttributeError("broken")
    return _render(template, context)


@pytest.mark.parametrize("path", ["/turns/{turn}/", "/turns/{turn}/stream/", "/turns/{turn}/sources/1/"])
def test_a_turn_is_shown_to_its_owner_only(world: Canaries, path: str) -> None:
    for turn in Turn.objects.select_related("conversation__user")[::6]:
        owner = turn.conversation.user.email.split("@")[0]
        for name in ("", owner, "ada", "sam"):
            shown = asked(world, world.visitors[name], "GET", path.format(turn=turn.pk), {})
            if name != owner:
                assert shown.status in ({302, 401} if not name else {404}), (name, shown.path)
