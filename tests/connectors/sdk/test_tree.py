"""Trees behind a protocol: what is no document stays none, however the server spells it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence

import pytest

from connectors.sdk.contract import Upsert
from connectors.sdk.folder_names import folded
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.tree import FolderGone, Node, Path
from connectors.sdk.tree_source import TreeSource, tree_settings


class CarelessTree:
    """A server that opens a file by its name in any case and Unicode form, as Windows and macOS do."""

    def __init__(self, files: dict[Path, bytes]) -> None:
        self._files = files

    def root(self) -> Node:
        return Node("", is_folder=True)

    def children(self, folder: Path) -> Sequence[Node]:
        inside = {path[len(folder)]: path for path in self._files if path[: len(folder)] == folder}
        if not inside:
            raise FolderGone("not there")
        return [Node(name, is_folder=len(path) > len(folder) + 1) for name, path in inside.items()]

    def read(self, path: Path, *, limit: int) -> bytes:
        wanted = [folded(name) for name in path]
        return next(
            data[: limit + 1]
            for each, data in self._files.items()
            if [folded(name) for name in each] == wanted
        )

    def address(self, path: Path) -> str:
        return "/".join(path)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("lies", "named"),
    [
        (("Access.json",), "access.json"),
        (("설정", "권한.json"), unicodedata.normalize("NFD", "설정/권한.json")),
        (("access.json",), "settings/../access.json"),
        (("access.json",), "./settings//../ACCESS.json"),
    ],
)
def test_an_access_file_that_is_named_in_another_spelling_is_no_document(lies: Path, named: str) -> None:
    rules = [{"keyPrefix": "", "aclEntries": [{"Name": "staff", "Type": "GROUP", "Access": "ALLOW"}]}]
    tree = CarelessTree({lies: json.dumps(rules).encode(), ("settings", "a.txt"): b"x"})
    source = TreeSource(lambda: tree, tree_settings({"access_file": named}), Surroundings())
    assert [each.external_id for each in source.documents() if isinstance(each, Upsert)] == ["settings/a.txt"]
