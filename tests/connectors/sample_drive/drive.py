"""A small drive in memory: folders, files, lists of who may read, groups, and a log of changes.

What a file's own list does not decide, the lists of the folders above it do, nearest first.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from assistant.common.types import Json, JsonObject

ROOT = "root"


class NotThere(LookupError):
    """No such item."""


class Forgotten(LookupError):
    """The log of changes no longer reaches back so far."""


@dataclass(slots=True)
class Item:
    """A file, or a folder when `text` is None. `entries` None: no list of its own."""

    id: str
    name: str
    parent: str
    text: str | None = None
    revision: int = 1
    entries: Json = None
    list_is_secret: bool = False

    def shown(self) -> JsonObject:
        """As the service describes it."""
        return {
            "id": self.id,
            "name": self.name,
            "parent": self.parent,
            "folder": self.text is None,
            "revision": self.revision,
            "size": None if self.text is None else len(self.text.encode()),
            "has_list": self.entries is not None,
        }


@dataclass(slots=True)
class Drive:
    """Every public method is one step that no other thread sees half done."""

    items: dict[str, Item] = field(default_factory=dict)
    groups: dict[str, Json] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)  # by name
    _log: list[str] = field(default_factory=list)
    _forgotten: int = 0
    _made: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def put(self, path: str, text: str) -> str:
        """Make or change the file at `path`, folders and all; gives back its id."""
        with self._lock:
            *folders, name = path.split("/")
            parent = ROOT
            for folder in folders:
                parent = self._made_item(folder, parent, None).id
            item = self._made_item(name, parent, text)
            if item.text != text:
                item.text = text
                item.revision += 1
                self._log.append(item.id)
            return item.id

    def find(self, path: str) -> Item:
        """The item of this name, wherever it was moved since: names are unique here."""
        with self._lock:
            name = path.rpartition("/")[2]
            if name not in self._ids:
                raise NotThere(path)
            return self.items[self._ids[name]]

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all below it."""
        with self._lock:
            item = self.find(path)
            gone = [item.id, *(each.id for each in self.below(item.id))]
            for each in gone:
                del self._ids[self.items.pop(each).name]
            self._log.extend(gone)

    def move(self, path: str, folder: str) -> None:
        """Put a file or folder into another folder. Only the item itself stands in the log."""
        with self._lock:
            item, target = self.find(path), self.find(folder)
            item.parent = target.id
            self._log.append(item.id)

    def set_entries(self, path: str, entries: Json) -> None:
        """Give an item a list of its own. Only the item itself stands in the log."""
        with self._lock:
            item = self.find(path)
            item.entries = entries
            self._log.append(item.id)

    def below(self, folder: str) -> Iterator[Item]:
        """Every file below a folder."""
        for item in list(self.items.values()):
            if item.text is not None and folder in self._above(item):
                yield item

    def page(self, *, folders: bool, under: str, after: str, limit: int) -> list[Item]:
        """The next items by id."""
        with self._lock:
            found = (
                each
                for each in self.items.values()
                if (each.text is None) == folders
                and each.id > after
                and (under == ROOT or under in self._above(each))
            )
            return sorted(found, key=lambda each: each.id)[:limit]

    def now(self) -> str:
        """Where the log of changes stands."""
        with self._lock:
            return str(len(self._log))

    def changes(self, since: str, limit: int) -> tuple[list[str], str]:
        """Ids of what changed since, oldest first, and where to go on."""
        with self._lock:
            start = int(since)
            if start < self._forgotten:
                raise Forgotten
            found = self._log[start : start + limit]
            return list(found), str(start + len(found))

    def forget_changes(self) -> None:
        """Let go of the log so far."""
        with self._lock:
            self._log.append("nothing")
            self._forgotten = len(self._log)

    def _above(self, item: Item) -> Sequence[str]:
        above = []
        while item.parent in self.items and item.parent not in above:
            above.append(item.parent)
            item = self.items[item.parent]
        return above

    def _made_item(self, name: str, parent: str, text: str | None) -> Item:
        if name in self._ids:
            return self.items[self._ids[name]]
        self._made += 1
        item = Item(f"{'d' if text is None else 'f'}{self._made:06}", name, parent, text)
        self.items[item.id] = item
        self._ids[name] = item.id
        self._log.append(item.id)
        return item
