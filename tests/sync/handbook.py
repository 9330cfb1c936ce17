"""The 18F handbook for two people, then a day of changes: what a run must touch, and what nobody may see.

    python tests/sync/handbook.py [--folders pages/tools pages/travel-and-leave ...]

Copies the handbook from the data beside the checkout, writes an access file and groups of its own, and works
by `manage.py` commands. What each person may see and what each run must count is computed here, from the
access entries alone. Figures go to stdout as JSON. Exit status 1 if anything is not as it must be.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from assistant.common.types import Json  # noqa: E402
from tests.sync.installation import Installation  # noqa: E402

HANDBOOK = ROOT / ".." / "shared" / "data" / "files" / "handbook-18f"
ANN, BOB = "ann@example.com", "bob@example.com"
GROUPS = {"staff": {ANN, BOB}, "supervisors": {BOB}}
LEAVE, TOOLS = "pages/travel-and-leave/", "pages/tools/"
SUPERVISORS, HIRING = "pages/supervisor-resources/", "pages/hiring-staying-or-changing-jobs/"
CHANGED, REMOVED = 20, 5
MARK = "The cormorant rule was added later."

Entries = list[tuple[str, str, str]]  # (ALLOW or DENY, USER or GROUP, name)

QUESTIONS = (
    ("How many weeks of paid parental leave do I get?", f"{LEAVE}paid-parental-leave.md"),
    ("How does the voluntary leave transfer program work?", f"{LEAVE}voluntary-leave-transfer-program.md"),
    ("What should I do before going out of office?", f"{LEAVE}going-out-of-office.md"),
    ("How do I ask for advanced sick leave?", f"{LEAVE}advanced-sick-leave.md"),
    ("How do I book overtime?", f"{LEAVE}overtime.md"),
    ("How do I sign a document with a digital signature?", f"{TOOLS}digital-signatures.md"),
    ("How do I get access to Figma?", f"{TOOLS}figma.md"),
    ("How do I sign my commits in git?", f"{TOOLS}git-signing.md"),
    ("What is in the new supervisor playbook?", "pages/supervisor-resources/new-supervisor-playbook.md"),
    ("What must I do when leaving TTS?", f"{HIRING}leaving-tts.md"),
)


@dataclass(slots=True)
class World:
    """The copy, its access entries, and what went wrong."""

    folder: Path
    installation: Installation
    access: dict[str, Entries] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.folder / "handbook"

    def files(self) -> list[str]:
        found = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if not any(part.startswith(".") for part in path.parts))

    def deciding(self, name: str) -> str | None:
        """The longest prefix that covers the file."""
        return max((prefix for prefix in self.access if name.startswith(prefix)), key=len, default=None)

    def may_see(self, person: str, name: str) -> bool:
        """By the access entries alone: a deny beats an allow, and what nothing covers nobody sees."""
        prefix = self.deciding(name)
        counting = {
            decision
            for decision, kind, who in self.access.get(prefix or "-", [])
            if (who == person if kind == "USER" else person in GROUPS[who])
        }
        return counting == {"ALLOW"}

    def write_access(self) -> None:
        items = [
            {"keyPrefix": prefix, "aclEntries": [{"Name": n, "Type": t, "Access": a} for a, t, n in entries]}
            for prefix, entries in self.access.items()
        ]
        (self.folder / "access.json").write_text(json.dumps(items), encoding="utf-8")
        groups = [
            {"group": name, "members": [f"user:{who}" for who in sorted(people)]}
            for name, people in GROUPS.items()
        ]
        (self.folder / "groups.json").write_text(json.dumps(groups), encoding="utf-8")

    def expect(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            self.wrong.append(f"{what}: {found}, not {expected}")


def prepare(world: World, folders: list[str]) -> None:
    """Copy the files, write the access file, make accounts and source."""
    for name in folders or ["."]:
        shutil.copytree(HANDBOOK / name, world.root / name, dirs_exist_ok=True)
    world.access = {
        "pages/": [("ALLOW", "GROUP", "staff")],
        SUPERVISORS: [("ALLOW", "GROUP", "supervisors")],
        HIRING: [("ALLOW", "USER", ANN)],
        TOOLS: [("ALLOW", "GROUP", "staff"), ("DENY", "USER", BOB)],
        "downloads/": [("ALLOW", "GROUP", "supervisors")],
        f"{TOOLS}figma.md": [("ALLOW", "USER", ANN), ("ALLOW", "USER", BOB)],
    }
    world.write_access()
    config = {
        "root": str(world.root),
        "access_file": str(world.folder / "access.json"),
        "groups_file": str(world.folder / "groups.json"),
    }
    world.installation.prepare()
    for person in (ANN, BOB):
        world.installation.done("user", "add", person)
    world.installation.done(
        "source", "add", "--kind", "filesystem", "--name", "handbook", "--config", json.dumps(config)
    )


def change(world: World) -> dict[str, int]:
    """Change 20 files, remove 5, change 3 access entries; returns what the next run must count."""
    known = set(_taken(world))
    asked = {gold for _, gold in QUESTIONS}
    free = [name for name in world.files() if name in known and name.endswith(".md") and name not in asked]
    changed, removed = set(free[:CHANGED]), set(free[CHANGED : CHANGED + REMOVED])
    before = {name: world.access.get(world.deciding(name) or "-") for name in world.files()}
    for name in changed:
        with (world.root / name).open("a", encoding="utf-8") as stream:
            stream.write(f"\n\n{MARK}\n")
    for name in removed:
        (world.root / name).unlink()
    world.access[f"{TOOLS}figma.md"] = [("ALLOW", "USER", ANN)]  # Bob loses it
    world.access[HIRING] = [("ALLOW", "USER", BOB)]  # Ann loses it, Bob gains it
    world.access[LEAVE] = [("ALLOW", "GROUP", "staff"), ("DENY", "USER", BOB)]  # Bob loses it
    world.write_access()
    moved = {name for name in world.files() if world.access.get(world.deciding(name) or "-") != before[name]}
    updated = (changed | moved) & known
    return {
        "added": 0,
        "updated": len(updated),
        "deleted": len(removed),
        "unchanged": len(known - updated - removed),
        "failed": len(set(world.files()) - known),
    }


def _taken(world: World) -> list[str]:
    """The documents whose content could be read."""
    from assistant.documents.models import Document  # noqa: PLC0415 - needs the settings

    return list(Document.objects.filter(version__gt=0).values_list("external_id", flat=True))


def ask_everything(world: World) -> dict[str, int]:
    """Ask and search all questions as both people; nothing may come from what they may not see."""
    from assistant.access.viewer import viewer_for  # noqa: PLC0415 - needs the settings
    from assistant.accounts.models import User  # noqa: PLC0415
    from assistant.chat.finding import ask, search  # noqa: PLC0415

    figures = {"asked": 0, "gold_visible": 0, "gold_found": 0, "gold_cited": 0}
    for question, gold in QUESTIONS:
        if not (world.root / gold).is_file():
            continue
        for person in (ANN, BOB):
            viewer = viewer_for(User.objects.get(email=person))
            found = {str(hit["external_id"]) for hit in search(question, viewer=viewer, k=10)}
            citations = ask(question, viewer=viewer)["citations"]
            assert isinstance(citations, list)
            cited = {str(citation["external_id"]) for citation in citations if isinstance(citation, dict)}
            forbidden = sorted(name for name in found | cited if not world.may_see(person, name))
            if forbidden:
                world.wrong.append(f"{person} was shown {forbidden} for '{question}'")
            visible = world.may_see(person, gold)
            figures["asked"] += 1
            figures["gold_visible"] += visible
            figures["gold_found"] += visible and gold in found
            figures["gold_cited"] += visible and gold in cited
    return figures


def check_rights(world: World, *, by_command: list[tuple[str, str]]) -> None:
    """The database's own rule against the entries, for every file; `explain-access` for some."""
    from assistant.access.viewer import viewer_for  # noqa: PLC0415 - needs the settings
    from assistant.access.visibility import visible_documents  # noqa: PLC0415
    from assistant.accounts.models import User  # noqa: PLC0415

    known = _taken(world)
    for person in (ANN, BOB):
        viewer = viewer_for(User.objects.get(email=person))
        seen = set(visible_documents(viewer).values_list("external_id", flat=True))
        present = set(world.files())
        world.expect(
            f"what {person} may see", seen, {n for n in known if n in present and world.may_see(person, n)}
        )
    for person, name in by_command:
        if (world.root / name).is_file():
            explained = world.installation.done("explain-access", name, "--as", person)
            world.expect(f"explain-access {name} {person}", explained["visible"], world.may_see(person, name))


def check_traces(world: World) -> None:
    """By commands: who lost a right finds and is told nothing of it."""
    for person, question, gold in (
        (BOB, QUESTIONS[0][0], LEAVE),
        (BOB, QUESTIONS[6][0], f"{TOOLS}figma.md"),
        (ANN, QUESTIONS[9][0], HIRING),
    ):
        for command, key in (("search", "hits"), ("ask", "citations")):
            printed = world.installation.done(command, question, "--as", person)[key]
            if gold in json.dumps(printed):
                world.wrong.append(f"{command} shows {person} something of {gold}")


def measure(folder: Path, folders: list[str]) -> dict[str, Json]:
    """The whole day; the key `wrong` lists what is not as it must be."""
    world = World(folder, Installation(folder / "home"))
    prepare(world, folders)
    first = world.installation.done("sync", "handbook", "--wait")
    _use(world.installation)
    known = len(_taken(world))
    world.expect("first run", (first["added"], first["failed"]), (known, len(world.files()) - known))
    asked_before = ask_everything(world)
    check_rights(world, by_command=[(BOB, f"{TOOLS}figma.md"), (ANN, f"{HIRING}leaving-tts.md")])
    unchanged = world.installation.done("sync", "handbook", "--wait")
    world.expect("unchanged run", (unchanged["unchanged"], unchanged["updated"]), (known, 0))
    expected = change(world)
    second = world.installation.done("sync", "handbook", "--wait")
    world.expect("counts", {key: second[key] for key in expected}, expected)
    check_traces(world)
    asked_after = ask_everything(world)
    check_rights(world, by_command=[(BOB, f"{TOOLS}figma.md"), (ANN, f"{HIRING}leaving-tts.md")])
    world.expect("verify", world.installation.done("verify"), {"ok": True, "problems": []})
    return {
        "files": known + int(str(first["failed"])),
        "documents": known,
        "first_s": first["seconds"],
        "unchanged_s": unchanged["seconds"],
        "changed_s": second["seconds"],
        "counts": {key: second[key] for key in expected},
        "expected": {**expected},
        "before": {**asked_before},
        "after": {**asked_after},
        "wrong": list(world.wrong),
    }


def _use(installation: Installation) -> None:
    """Let this process read the installation's database and index."""
    os.environ.update(installation.environment, DJANGO_SETTINGS_MODULE="assistant.config.settings")
    import django  # noqa: PLC0415

    django.setup()


def main() -> int:
    """Run it in a temporary folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folders", nargs="*", default=[], help="only these folders of the handbook")
    options = parser.parse_args()
    if not HANDBOOK.is_dir():
        print(f"The handbook is not here: {HANDBOOK}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="mundap-handbook-") as folder:
        figures = measure(Path(folder), options.folders)
    print(json.dumps(figures))
    return 1 if figures["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
