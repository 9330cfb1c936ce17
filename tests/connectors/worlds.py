"""Small sources of every kind that the tests can change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings


def amazon_entries(allow: Sequence[str], deny: Sequence[str]) -> list[dict[str, str]]:
    """Entries in Amazon's shape from `user:EMAIL` and `group:ID`."""
    return [
        {"Name": name.partition(":")[2], "Type": name.partition(":")[0].upper(), "Access": access}
        for names, access in ((allow, "ALLOW"), (deny, "DENY"))
        for name in names
    ]


class FilesystemWorld:
    """A folder with an access file and a groups file beside it."""

    kind: ConnectorKind = connector_kind("filesystem")

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        self.access_file = folder / "access.json"
        self.groups_file = folder / "groups.json"
        self._items: dict[str, Json] = {}
        self._groups: dict[str, Json] = {}
        self._write()

    def connector(self, **more: str) -> Connector:
        """A connector as the engine would build it; `more` adds settings."""
        config = {
            "root": str(self.root),
            "access_file": str(self.access_file),
            "groups_file": str(self.groups_file),
            **more,
        }
        return self.kind.build(config, {}, Surroundings())

    def put(self, name: str, text: str) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        return name

    def delete(self, name: str) -> None:
        (self.root / name).unlink()

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None:
        self.set_item(name, {"keyPrefix": name, "aclEntries": amazon_entries(allow, deny)})

    def set_item(self, name: str, item: Json) -> None:
        self._items[name] = item
        self._write()

    def break_acl(self, name: str) -> None:
        self.set_item(name, {"keyPrefix": name, "aclEntries": "everybody"})

    def set_group(self, name: str, members: Sequence[str]) -> None:
        self._groups[name] = {"group": name, "members": list(members)}
        self._write()

    def break_groups(self) -> None:
        self._groups["staff"] = {"group": "staff", "members": ["the whole staff"]}
        self._write()

    def vanish(self) -> None:
        shutil.rmtree(self.root)

    def _write(self) -> None:
        self.access_file.write_text(json.dumps(list(self._items.values())), encoding="utf-8")
        self.groups_file.write_text(json.dumps(list(self._groups.values())), encoding="utf-8")


class JsonlWorld:
    """A file of lines."""

    kind: ConnectorKind = connector_kind("jsonl")

    def __init__(self, folder: Path) -> None:
        self.path = folder / "documents.jsonl"
        self._documents: dict[str, dict[str, Json]] = {}
        self._groups: dict[str, Mapping[str, Json]] = {}
        self._write()

    def connector(self, **more: str) -> Connector:
        """A connector as the engine would build it; `more` adds settings."""
        return self.kind.build({"path": str(self.path), **more}, {}, Surroundings())

    def put(self, name: str, text: str) -> str:
        self._documents.setdefault(name, {"id": name, "title": name}).update(text=text)
        self._write()
        return name

    def delete(self, name: str) -> None:
        del self._documents[name]
        self._write()

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None:
        self._documents[name]["acl"] = {"allow": list(allow), "deny": list(deny)}
        self._write()

    def break_acl(self, name: str) -> None:
        self._documents[name]["acl"] = {"allow": ["anybody at all"]}
        self._write()

    def set_group(self, name: str, members: Sequence[str]) -> None:
        self._groups[name] = {"group": name, "members": list(members)}
        self._write()

    def break_groups(self) -> None:
        self._groups["staff"] = {"group": "staff", "members": None}
        self._write()

    def vanish(self) -> None:
        self.path.unlink()

    def _write(self) -> None:
        lines = [*self._groups.values(), *self._documents.values()]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.path)
