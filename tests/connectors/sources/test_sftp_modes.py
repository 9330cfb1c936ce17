"""What a mode says where access lists may stand behind it."""

from __future__ import annotations

from assistant.common.acl import group
from connectors.sdk.posix_acl import READ, names_of_directory
from connectors.sources.sftp.connector import ModeRights
from connectors.sources.sftp.wire import Attributes

FILE = Attributes(size=1, owner=1001, group=100, mode=0o100644, modified=0)


def test_only_the_owner_s_digit_counts_unless_modes_are_said_to_be_all_there_is() -> None:
    owner, team = "directory:uid:1001", "directory:gid:100"
    for plain, readers in ((False, [owner]), (True, [owner, team, "staff"])):
        layer = ModeRights(names_of_directory, (group("staff"),), plain=plain).layer(FILE, want=READ)
        assert layer is not None
        assert [entry.principal.id for entry in layer.entries if entry.allow] == readers
