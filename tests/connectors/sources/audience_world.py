"""A source whose readers, the same for all of it, an administrator names; as the suite changes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assistant.common.types import Json


class AudienceWorld:
    """What such sources have in common: one audience, and no groups of their own."""

    def __init__(self, folder: Path) -> None:
        self.scratch = folder / "scratch"
        self._audience: list[Json] = []

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None:
        assert not deny, "an audience has no denies"
        self._audience = list(allow)

    def break_acl(self, name: str) -> None:
        self._audience = ["the whole company"]

    def set_group(self, name: str, members: Sequence[str]) -> None:
        raise AssertionError("such a source has no groups")

    def break_groups(self) -> None:
        raise AssertionError("such a source has no groups")
