"""What every test shares: a home of its own, and one small world with a stranger in it.

The small world is synced by the real engine from a real file, into the real index,
with the real embedder:

    ann@example.com     employee, in group staff
    bob@example.com     in group hr, which is in staff
    cho@example.com     in group executives
    sam@example.com     a stranger: has an account and is in no group
    ada@example.com     administrator of Mundap, in no group

    handbook   group staff            policy-ko  group staff (Korean)
    salaries   group hr               merger     group executives, denied to bob
    nobody     no access list         open       everyone
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.signals import user_logged_in
from django.db import connection
from django.db.models.base import ModelState
from django.http import HttpRequest
from django.test import override_settings
from django.utils import timezone, translation

from assistant.access import mask
from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import Address, Role, User
from assistant.accounts.rate_limits import forget_leases
from assistant.chat import file_reading
from assistant.chat.runner import is_idle
from assistant.common import known_secrets
from assistant.common.types import Json
from assistant.factors import rule
from assistant.index.registry import opened_index
from assistant.retrieval import narrowing
from assistant.sync.engine import execute_run
from assistant.sync.models import Source
from assistant.sync.reading import RunView
from assistant.sync.selectors import run_progress
from assistant.sync.services import add_source, request_run
from tests.embedded_once import embed_once
from tests.emptied import emptied_quickly
from tests.made_in_run import migrated_database
from tests.made_once import made_once
from tests.run_folder import RunFolder
from tests.starting_order import place
from tests.unlimited import UNLIMITED

PASSWORD = "correct horse battery staple"
PEOPLE = ("ann", "bob", "cho", "sam", "ada")

DOCUMENTS: tuple[dict[str, Json], ...] = (
    {
        "id": "handbook",
        "title": "Employee handbook",
        "text": "Remote work is allowed three days a week. The office in Daejeon opens at 08:30. "
        "New employees receive a laptop on their first day.",
        "acl": {"allow": ["group:staff"]},
    },
    {
        "id": "policy-ko",
        "title": "휴가 규정",
        "text": "연차 휴가는 입사 1년 뒤부터 15일이 부여됩니다. "
        "경조사 휴가는 최대 5일까지 사용할 수 있습니다.",
        "acl": {"allow": ["group:staff"]},
    },
    {
        "id": "salaries",
        "title": "Salary bands 2026",
        "text": "The salary band of a senior engineer is 82 to 96 million won. "
        "책임급 연봉 구간은 8,200만 원부터입니다.",
        "acl": {"allow": ["group:hr"]},
    },
    {
        "id": "merger",
        "title": "Project Heron",
        "text": "The merger with Heron Logistics closes on 30 September. The price is 41 billion won.",
        "acl": {"deny": ["user:bob@example.com"], "allow": ["group:executives"]},
    },
    {
        "id": "nobody",
        "title": "Forgotten note",
        "text": "The old server room code is kept by the plant manager.",
    },
    {
        "id": "open",
        "title": "Visitor information",
        "text": "Visitors register at the front desk. The guest network is called ondam-guest.",
        "acl": {"allow": ["everyone"]},
    },
)

GROUPS: tuple[dict[str, Json], ...] = (
    {"group": "staff", "members": ["user:ann@example.com", "group:hr", "group:executives"]},
    {"group": "hr", "members": ["user:bob@example.com"]},
    {"group": "executives", "members": ["user:cho@example.com", "user:bob@example.com"]},
)


_OBJECTS_BETWEEN_COLLECTIONS = 10_000  # Python's own 700 are few for worlds with thousands of them

_RUN = pytest.StashKey[RunFolder]()


def pytest_configure(config: pytest.Config) -> None:
    """Give this run a folder of its own; workers, which are started later, find it in their environment."""
    if not hasattr(config, "workerinput"):
        config.stash[_RUN] = RunFolder(django_settings.MUNDAP_HOME)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it, when all workers have ended."""
    if (run := config.stash.get(_RUN, None)) is not None:
        run.remove()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let several workers begin with the files that take long, so that none is left with one at the end."""
    if not hasattr(config, "workerinput"):
        return
    tests = Counter(item.path for item in items)
    slow = {item.path for item in items if {mark.name for mark in item.iter_markers()} & {"slow", "browser"}}
    items.sort(key=lambda item: place(item.path, tests, slow))


def pytest_collectstart() -> None:
    """Collecting tests leaves nothing to free, and the collector would look through all of it again."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Have the collector look no more through what is there before the first test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])
    gc.enable()


@dataclass(slots=True)
class SmallWorld:
    """The world's file, source and people. `write` changes the file, `sync` carries it in."""

    file: Path
    source_id: int
    documents: dict[str, dict[str, Json]]
    groups: dict[str, dict[str, Json]]

    def write(self) -> None:
        """Put the documents and groups into the source's file."""
        lines = [json.dumps(line) for line in (*self.groups.values(), *self.documents.values())]
        self.file.write_text("\n".join(lines), encoding="utf-8")

    def sync(self, kind: str = "incremental") -> RunView:
        """Write the file and run a sync to its end in this process."""
        self.write()
        run_id = request_run(source_id=self.source_id, kind=kind, actor="test")
        assert execute_run(run_id)
        return run_progress(run_id)

    def viewer(self, name: str) -> Viewer:
        """The person with this name."""
        return viewer_for(User.objects.get(email=f"{name}@example.com"))


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest, django_db_modify_db_settings: None) -> bool:
    """Several workers with SQLite copy one migrated database; it goes with the folder of the run."""
    copied = hasattr(request.config, "workerinput") and connection.vendor == "sqlite"
    if copied:
        migrated_database(Path(connection.settings_dict["TEST"]["NAME"]))
    return copied


@pytest.fixture(autouse=True, scope="session")
def _alike_in_all_tests() -> Iterator[None]:
    """No limits: tests ask faster than any person. Those about limits set them, over these.

    No waiting for the disk either: no test cuts the power, and nothing outlives its test. Processes that a
    test starts still sync. A descriptor that is closed is an error as before.

    Once, not for each test: a change of a setting is told to all who may have kept it.
    """
    own = {
        "MUNDAP_LEAST_FREE": (0, 0),
        "CELERY_TASK_ALWAYS_EAGER": False,
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
        "WHITENOISE_AUTOREFRESH": True,  # a file is looked for when asked for, not all by each client
    }
    unlimited = {name.replace("_MB_", "_BYTES_"): 0 for name in UNLIMITED}
    with override_settings(**own, **unlimited), mock.patch.object(os, "fsync", os.fstat), emptied_quickly():
        yield


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path) -> Iterator[None]:
    """Folders of its own, and nothing of what a process keeps for its next question: that is of one world."""
    own = {
        "MUNDAP_INDEX_DIR": tmp_path / "index",
        "MUNDAP_SYNC_DIR": tmp_path / "sync",
        "MUNDAP_FILES_DIR": tmp_path / "files",
        "MUNDAP_AUDIT_DIR": tmp_path / "audit",
    }
    # What another test opened would be taken out of this one's lines.
    known_secrets._known.clear()
    forget_leases()
    _forget_answers()
    translation.deactivate()  # the last request of another test may have been a Korean one
    with override_settings(**own):
        yield
        _forget_answers()


def _forget_answers() -> None:
    mask.forget()
    narrowing.forget()
    opened_index.cache_clear()


@pytest.fixture(autouse=True)
def _embedding_once(monkeypatch: pytest.MonkeyPatch) -> None:
    embed_once(monkeypatch)


@pytest.fixture(autouse=True, scope="session")
def _with_a_second_factor() -> Iterator[None]:
    """Who is signed in by a test itself showed enough. Our sign-in pages write down what was shown.

    Also in worlds that a whole module shares, which are made before any test of it.
    """

    def showed_enough(request: HttpRequest, **_: object) -> None:
        rule.note(request.session, [rule.Way.PASSKEY])

    user_logged_in.connect(showed_enough, dispatch_uid="tests.second-factor")
    yield
    user_logged_in.disconnect(dispatch_uid="tests.second-factor")


@pytest.fixture
def people(request: pytest.FixtureRequest, db: None) -> dict[str, User]:
    """The accounts of the small world, by name. Everybody has the same password."""
    if "small_world" in request.fixturenames:
        request.getfixturevalue("small_world")
        return {name: User.objects.get(email=f"{name}@example.com") for name in PEOPLE}
    return _arrive()


_ARRIVED: dict[str, list[User]] = {}  # by how passwords are hashed


def _arrive() -> dict[str, User]:
    """Give everybody an account: as the product does it once in each process, and as rows after that."""
    arrived = _ARRIVED.get(repr(django_settings.PASSWORD_HASHERS))
    if arrived is None or Address.objects.exists():  # somebody may have had an address of theirs
        made = _made_by_the_product()
        _ARRIVED[repr(django_settings.PASSWORD_HASHERS)] = [copy(user) for user in made.values()]
        return made
    now = timezone.now()
    people = [copy(user) for user in arrived]
    for user in people:
        user.pk, user.created_at, user._state = None, now, ModelState()
    User.objects.bulk_create(people)
    Address.objects.bulk_create(Address(address=user.email, user=user) for user in people)
    return {user.email.partition("@")[0]: user for user in people}


def _made_by_the_product() -> dict[str, User]:
    roles = {"ada": Role.ADMINISTRATOR}
    return {
        name: User.objects.create_user(
            f"{name}@example.com", PASSWORD, name=name.title(), role=roles.get(name, Role.EMPLOYEE)
        )
        for name in PEOPLE
    }


def new_small_world(folder: Path) -> SmallWorld:
    """The small world in the database that is there, with its file in a folder."""
    world = _unmade_small_world(folder)
    _make(world)
    return world


def _unmade_small_world(folder: Path) -> SmallWorld:
    return SmallWorld(
        file=folder / "world.jsonl",
        source_id=0,
        documents={str(document["id"]): dict(document) for document in DOCUMENTS},
        groups={str(group["group"]): dict(group) for group in GROUPS},
    )


def _make(world: SmallWorld) -> None:
    if not User.objects.filter(email__in=[f"{name}@example.com" for name in PEOPLE]).exists():
        _arrive()  # a fixture that asks for the world by its name may have asked for its people before
    world.write()
    path: dict[str, Json] = {"path": str(world.file)}
    world.source_id = add_source(kind="jsonl", name="world", config=path, actor="test")
    run = world.sync()
    assert run.state == "succeeded", run


@pytest.fixture
def small_world(db: None, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallWorld]:
    """The small world, synced: once in each process, and laid down again for each test."""
    world = _unmade_small_world(tmp_path)
    made_once(lambda: _make(world), folder=tmp_path, kept_in=lambda: tmp_path_factory.mktemp("small-world"))
    world.source_id = Source.objects.get(connection__name="world").pk
    yield world
    # A reader may have left before the end of a turn, whose thread still writes to the test's database.
    until = time.monotonic() + 30
    while not (is_idle() and file_reading.is_idle()) and time.monotonic() < until:
        time.sleep(0.01)
