"""The story of a share, from the real server to what each person sees; the server is asked as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.common.network import parse_networks
from assistant.sync.services import add_source
from tests.connectors.servers.smb_client import (
    ALLOW,
    DENY,
    INHERITED,
    READ,
    TO_ALL_BELOW,
    SmbClient,
    Written,
)
from tests.connectors.sources.smb_world import SECRETS, SmbWorld
from tests.sources.story import Story, read_table

TABLE = Path(__file__).with_name("smb.md")

HANDBOOK = "handbook (inherits: staff)"
SURVEY = "survey (deny bob before allow staff)"
MINUTES = "minutes (allow bob before inherited deny of board)"
SALARIES = "salaries (inheritance broken: hr)"
MERGER = "merger (in a folder that only the service may list)"
DRAFT = "draft (staff may only write)"
NOTICE = "notice (Everyone)"
LETTER = "letter (its owner is ann, no entry)"
FILES = {
    HANDBOOK: "staff/handbook.txt",
    SURVEY: "staff/survey/survey.txt",
    MINUTES: "board/minutes.txt",
    SALARIES: "staff/salaries.txt",
    MERGER: "closed/merger.txt",
    DRAFT: "staff/draft.txt",
    NOTICE: "notice.txt",
    LETTER: "letter.txt",
}
WORDS = {name: f"quarzfels{number}" for number, name in enumerate(FILES)}
PEOPLE = ("ann", "bob", "cho", "sam")
EVERYBODY = "S-1-1-0"
MEMBERS = {"hr": ("bob",), "staff": ("ann", "bob"), "board": ("cho", "bob")}


@dataclass(slots=True)
class _CheckedStory(Story):
    """A story whose answers must be those of the file server."""

    clients: Mapping[str, SmbClient] = field(default_factory=dict)

    def sees(self, address: str, document: str) -> bool:
        """As the story, and as the server."""
        found = Story.sees(self, address, document)
        really = self.clients[address.partition("@")[0]].may_read(self.ids[document])
        assert found == really, f"{address}, {document}: the server says {really}"
        return found


class _Office:
    """The share of the story, and the steps that change it."""

    def __init__(self, folder: Path) -> None:
        self.world = world = SmbWorld(folder)
        self.staff = world.entry(ALLOW, "group:staff", flags=TO_ALL_BELOW)
        self.board = world.entry(ALLOW, "group:board", flags=TO_ALL_BELOW)
        self.clients: dict[str, SmbClient] = {}
        for name, members in MEMBERS.items():
            self.set_members(name, members)
        world.make_folder("staff", [self.staff])
        world.make_folder("staff/survey")
        world.make_folder("board", [self.board])
        world.make_folder("closed", [])
        for name, path in FILES.items():
            world.put(path, f"The {path} speaks of {WORDS[name]}.")
        bob, board = "user:bob@example.com", "group:board"
        self.let(SURVEY, world.entry(DENY, bob), world.entry(ALLOW, "group:staff"))
        self.let(MINUTES, world.entry(ALLOW, bob), world.entry(DENY, board, flags=INHERITED),
                 world.entry(ALLOW, board, flags=INHERITED))  # fmt: skip
        self.let(SALARIES, world.entry(ALLOW, "group:hr"))
        self.let(MERGER, world.entry(ALLOW, "user:cho@example.com"))
        self.let(DRAFT, world.entry(ALLOW, "group:staff", mask=0x0012_0116))
        self.let(NOTICE, Written(ALLOW, EVERYBODY, READ))
        world.protect(FILES[LETTER], [world.service()], owner=world.server.sids["ann"])
        config = {**world.config, "everyone": "everyone"}
        source = add_source(kind="smb", name="share", config=config, secrets=SECRETS, actor="test")
        ids = {name: f"{world.folder}/{path}" for name, path in FILES.items()}
        self.story = _CheckedStory(source, ids=ids, words=WORDS, clients=self.clients)

    def let(self, name: str, *entries: Written) -> None:
        """Exactly these entries, beside the one of the connector."""
        self.world.protect(FILES[name], [self.world.service(), *entries])

    def set_members(self, name: str, members: tuple[str, ...]) -> None:
        """On the server, where whoever is signed in must sign in anew, and in the people file."""
        self.world.server.set_members(name, members)
        self.world.set_group(name, [f"user:{each}@example.com" for each in members])
        self.close()
        self.clients.update({each: SmbClient(self.world.server.port, each) for each in PEOPLE})

    def close(self) -> None:
        """Sign everybody out."""
        while self.clients:
            self.clients.popitem()[1].close()

    def move(self, old: str, new: str) -> None:
        """Rename a file or folder, and remember where its documents are now."""
        root = f"{self.world.folder}/"
        self.world.client.rename(root + old, root + new)
        for name, external_id in self.story.ids.items():
            if external_id == root + old or external_id.startswith(f"{root}{old}/"):
                self.story.ids[name] = root + new + external_id.removeprefix(root + old)

    def pass_down(self) -> None:
        """What Windows does when somebody applies a folder's list to what lies in it."""
        inherited = INHERITED | TO_ALL_BELOW
        entries = [
            self.world.service(flags=inherited),
            self.world.entry(ALLOW, "group:board", flags=inherited),
        ]
        self.world.protect("board/handbook.txt", entries)

    def steps(self) -> dict[str, Callable[[], None]]:
        """By situation: the change, and the run that must notice it."""
        world = self.world
        sam = world.entry(DENY, "user:sam@example.com")
        changes: dict[str, tuple[Callable[[], object], str]] = {
            "first sync": (lambda: None, "full"),
            "content of the salaries is replaced": (
                lambda: world.put(FILES[SALARIES], f"Rewritten: {WORDS[SALARIES]} and more."),
                "incremental",
            ),
            "Everyone leaves the notice, sam stays denied": (
                lambda: self.let(NOTICE, sam, world.entry(ALLOW, "group:staff")),
                "permissions",
            ),
            "ann joins hr": (lambda: self.set_members("hr", ("ann", "bob")), "permissions"),
            "ann leaves hr again": (lambda: self.set_members("hr", ("bob",)), "incremental"),
            "the handbook is moved to the board's folder": (
                lambda: self.move("staff/handbook.txt", "board/handbook.txt"),
                "incremental",
            ),
            "the board's folder passes its list down again": (self.pass_down, "permissions"),
            "the folder of the survey is renamed": (
                lambda: self.move("staff/survey", "staff/results"),
                "incremental",
            ),
            "the minutes are deleted": (lambda: world.delete(FILES[MINUTES]), "incremental"),
        }

        def step(change: Callable[[], object], kind: str) -> Callable[[], None]:
            def play() -> None:
                change()
                assert self.story.sync(kind).state == "succeeded"

            return play

        return {situation: step(*change) for situation, change in changes.items()}


@pytest.fixture
def office(people: dict[str, User], settings: LazySettings, tmp_path: Path) -> Iterator[_Office]:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    office = _Office(tmp_path)
    yield office
    office.close()
    for name in MEMBERS:
        office.world.server.set_members(name, [])


@pytest.mark.django_db(transaction=True)
def test_everybody_sees_on_a_share_what_the_table_and_the_server_say(office: _Office) -> None:
    office.story.play(read_table(TABLE), office.steps())


def test_the_table_has_its_documents() -> None:
    assert {row.document for row in read_table(TABLE)} == set(FILES)
