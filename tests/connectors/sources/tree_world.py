"""What the worlds of trees of files share: a folder that a server offers, with its lists in it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from assistant.common.network import Network, parse_networks
from assistant.common.types import Json
from connectors.sdk.surroundings import Surroundings
from tests.connectors.worlds import amazon_entries

LOOPBACK = Surroundings(Network(parse_networks("127.0.0.0/8")))
_PAST = 1_700_000_000


class ServedFolder:
    """A folder with an access file and a groups file in it. Every write has a second of its own, long ago."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(mode=0o755)
        self._writes = 0
        self._items: dict[str, Json] = {}
        self._groups: dict[str, Json] = {}
        self._write()

    def put(self, name: str, text: str) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            self.age(path)
        return name

    def age(self, path: Path) -> None:
        """Set the file's time to a second long ago that no other file has."""
        self._writes += 1
        os.utime(path, (_PAST + self._writes, _PAST + self._writes))

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

    def companion(self, name: str, value: Json | bytes) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        (self.root / f"{name}.metadata.json").write_bytes(data)

    def _write(self) -> None:
        for name, values in (("access.json", self._items), ("groups.json", self._groups)):
            (self.root / name).write_text(json.dumps(list(values.values())), encoding="utf-8")
