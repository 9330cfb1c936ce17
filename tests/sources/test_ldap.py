"""The story of a directory, played with a real OpenLDAP beside a source whose lists name its groups."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.common.network import parse_networks
from assistant.common.types import Json
from assistant.sync.models import RunKind, RunState
from assistant.sync.services import add_source
from assistant.sync.source_settings import join_directory
from tests.connectors.servers.slapd import PASSWORD, SUFFIX
from tests.connectors.sources.ldap_world import LdapWorld
from tests.sources.story import Story, read_table

DISABLED = {"disabled_filter": "(employeeType=left)"}
WORDS = {
    "plan": "heronplan",
    "payroll": "salarybands",
    "diary": "privatediary",
    "build": "compilerflags",
    "notice": "frontdesk",
}


class Company:
    """The directory, the documents that name its groups, and what happens to both."""

    def __init__(self, folder: Path) -> None:
        self.world = LdapWorld(folder)
        self.file = folder / "documents.jsonl"
        self.lists: dict[str, Json] = {
            "plan": {"allow": ["group:directory:cn:staff"]},
            "payroll": {"allow": ["group:directory:cn:hr"]},
            "diary": {"allow": ["group:directory:login:ann"]},
            "build": {"allow": ["group:directory:gid:2000"]},
            "notice": {"deny": ["group:directory:cn:contractors"], "allow": ["everyone"]},
        }
        self._fill()
        self._write()
        self.directory = add_source(
            kind="ldap",
            name="directory",
            config={**self.world.config, **DISABLED},
            secrets={"password": PASSWORD},
            actor="test",
        )
        source = add_source(kind="jsonl", name="documents", config={"path": str(self.file)}, actor="test")
        self.story = Story(source, ids={name: name for name in WORDS}, words=dict(WORDS))
        join_directory(source_id=source, directory_id=self.directory, actor="test")

    def _fill(self) -> None:
        world = self.world
        self.ann, self.bob, self.cho = (world.person(name) for name in ("ann", "bob", "cho"))
        self.sam = world.person("sam", "sam.lee@example.com")
        self.hr = world.group("hr", self.bob)
        self.staff = world.group("staff", self.ann, self.hr)
        self.contractors = world.group("contractors", self.cho)
        world.server.add(
            f"cn=builders,{world.groups}", ["posixGroup"], {"gidNumber": "2000", "memberUid": ["cho"]}
        )
        self.seoul = f"ou=seoul,{world.people}"
        world.server.add(self.seoul, ["organizationalUnit"], {})

    def _write(self) -> None:
        lines = [
            {"id": name, "title": name, "text": f"{WORDS[name]} is the word.", "acl": found}
            for name, found in self.lists.items()
        ]
        self.file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    def sync_directory(self, state: str = RunState.SUCCEEDED) -> None:
        run = Story(self.directory).sync()
        assert run.state == state, run

    def first_sync(self) -> None:
        self.sync_directory()
        run = self.story.sync()
        assert run.state == RunState.SUCCEEDED, run

    def change(self, dn: str, attribute: str, *values: str) -> None:
        self.world.server.change(dn, attribute, *values)
        self.sync_directory()

    def rename_hr(self, name: str) -> None:
        self.world.server.rename(self.hr, f"cn={name}")
        self.hr = f"cn={name},{self.world.groups}"
        self.change(self.staff, "member", self.ann, self.hr)

    def give_bob_a_first_group(self) -> None:
        server = self.world.server
        server.change(self.bob, "objectClass", "inetOrgPerson", "extensibleObject")
        self.change(self.bob, "gidNumber", "2000")

    def move_ann(self) -> None:
        self.world.server.move(self.ann, self.seoul)
        self.ann = f"uid=ann,{self.seoul}"
        self.sync_directory()

    def plan_for_hr(self) -> None:
        self.lists["plan"] = self.lists["payroll"]
        self._write()
        self.story.sync(RunKind.PERMISSIONS)

    def break_a_part(self) -> None:
        self.world.server.change(self.hr, "member", self.bob, self.cho)
        self.world.break_groups()
        self.sync_directory(RunState.SUCCEEDED_WITH_ERRORS)

    def mend(self) -> None:
        self.world.server.remove_tree(f"ou=elsewhere,{self.world.groups}")
        self.sync_directory()

    def remove(self, dn: str) -> None:
        self.world.server.remove(dn)
        self.sync_directory()


@pytest.mark.django_db(transaction=True)
def test_the_story_of_a_directory(settings: LazySettings, people: dict[str, User], tmp_path: Path) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    it = Company(tmp_path)
    elsewhere = f"uid=somebody,{SUFFIX}"
    it.story.play(
        read_table(Path(__file__).with_name("ldap.md")),
        {
            "first sync": it.first_sync,
            "cho joins hr, which is in staff": lambda: it.change(it.hr, "member", it.bob, it.cho),
            "bob is taken out of hr": lambda: it.change(it.hr, "member", it.cho),
            "hr is renamed to personnel": lambda: it.rename_hr("personnel"),
            "personnel is hr again": lambda: it.rename_hr("hr"),
            "ann gets another address": lambda: it.change(it.ann, "mail", "ann.kim@example.com"),
            "ann has her address back": lambda: it.change(it.ann, "mail", "ann@example.com"),
            "sam gets ann's address too": lambda: it.change(it.sam, "mail", "Ann@example.com"),
            "sam has no address": lambda: it.change(it.sam, "mail"),
            "ann is disabled": lambda: it.change(it.ann, "employeeType", "left"),
            "ann is enabled again": lambda: it.change(it.ann, "employeeType"),
            "bob's first group is 2000": it.give_bob_a_first_group,
            "ann moves, and staff names her old place": it.move_ann,
            "staff names ann's new place": lambda: it.change(it.staff, "member", it.ann, it.hr, elsewhere),
            "plan is for hr alone": it.plan_for_hr,
            "bob joins hr, but a part of the directory cannot be read": it.break_a_part,
            "the whole directory can be read again": it.mend,
            "the group contractors is gone, so nobody knows whom it keeps out": lambda: it.remove(
                it.contractors
            ),
            "cho is gone from the directory": lambda: it.remove(it.cho),
        },
    )
