"""Each step of a connection test says what was seen, and is in order only if it was."""

from __future__ import annotations

from assistant.common.acl import NOBODY, PUBLIC
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import Told, told
from connectors.sdk.access_file import AccessRules, decode_access, hide_all
from connectors.sdk.contract import CheckItem, Complete, Failure, GroupMembers
from connectors.sdk.trial_steps import content_step, groups_step, list_step, permissions_step

ACCESS = (
    b'[{"keyPrefix": "hr/", "aclEntries": [{"Name": "ana@example.com", "Type": "USER", "Access": "ALLOW"}]}]'
)


def refused() -> bytes:
    raise DocumentFailure(FailureCode.REFUSED)


def permissions(rules: AccessRules, *, has_access_file: bool = True) -> CheckItem:
    audience = told("everyone who can sign in")
    return permissions_step(rules, ["hr/a", "b"], audience=audience, has_access_file=has_access_file)


def test_a_store_without_a_file_is_none_to_be_read() -> None:
    assert list_step(0, more=False) == CheckItem("list", ok=False, detail="No file was found.")
    assert list_step(3, more=False).detail == "3 files"
    assert list_step(200, more=True) == CheckItem("list", ok=True, detail="at least 200 files")


def test_a_file_that_is_refused_is_named_with_the_reason() -> None:
    assert content_step("a.txt", bytes) == CheckItem("read content", ok=True, detail="'a.txt' can be read.")
    assert content_step("a.txt", refused) == CheckItem("read content", ok=False, detail="'a.txt': refused")
    assert not content_step("", bytes).ok


def test_who_reads_what_no_prefix_covers_is_said() -> None:
    rules = decode_access(ACCESS, name="access.json", everyone=True)
    item = permissions(rules)
    assert item.ok
    assert item.detail == "1 prefixes; of 2 files, 1 are under none and are for: everyone who can sign in."
    assert isinstance(item.detail, Told)
    assert isinstance(item.detail.values["audience"], Told)
    assert permissions(decode_access(ACCESS, name="access.json")).detail.endswith("are for: nobody.")
    none = AccessRules({}, (), PUBLIC)
    assert permissions(none, has_access_file=False).detail.startswith("No access file.")
    assert permissions(AccessRules({}, (), NOBODY), has_access_file=False).detail.endswith(": nobody.")


def test_a_broken_access_file_is_the_reason_that_the_test_fails() -> None:
    assert permissions(hide_all("it is broken")) == CheckItem(
        "read permissions", ok=False, detail="it is broken"
    )


def test_groups_are_counted_and_a_broken_file_fails() -> None:
    assert groups_step(None).ok
    assert groups_step([GroupMembers("g", ()), Complete()]).detail == "1 groups in the groups file"
    broken = Failure("", FailureCode.BAD_PERMISSIONS, "it is broken", hide=True, is_prefix=True)
    assert groups_step([broken]) == CheckItem("read groups", ok=False, detail="it is broken")
