"""Who may see what in a bucket: its access file, its groups file, and what a companion may add."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from assistant.common.acl import NOBODY, Acl
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.common.types import Json
from connectors.sdk.access_file import (
    MAX_ACCESS_FILE_BYTES,
    AccessRules,
    Hidden,
    no_access_file,
    parse_access,
)
from connectors.sdk.companion import Companion
from connectors.sdk.contract import Failure, GroupMembers
from connectors.sdk.exact_json import MalformedError, decode_json, shown
from connectors.sdk.group_record import MAX_GROUPS_FILE_BYTES, parse_groups
from connectors.sdk.withheld import withheld
from connectors.sources.s3.bucket import Bucket

_READABLE = told("Give the access key the right s3:GetObject.")
_SCHEME = "s3://"


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the administrator chose. Both files are keys in the bucket itself.

    `everyone`: what no prefix covers is for everyone. `companions_open`: a companion's list
    counts by itself where no prefix covers its object; otherwise it can only narrow.
    """

    access_file: str = ""
    groups_file: str = ""
    everyone: bool = False
    companions_open: bool = False


def read_rules(bucket: Bucket, name: str, permissions: Permissions) -> AccessRules:
    """The rules of the bucket called `name`. An access file that is missing or broken hides everything.

    Raises:
        ConnectorError: the store does not answer as it should, or does not hand the file over.
    """
    key = permissions.access_file
    if not key:
        return no_access_file(everyone=permissions.everyone)
    try:
        value = decode_json(_handed_over(bucket, key, limit=MAX_ACCESS_FILE_BYTES))
    except MalformedError as error:
        return _all_hidden(
            told("The access file '{name}' {error}. Mend it and sync again.", name=shown(key), error=error)
        )
    for prefix in _prefixes(value):
        if prefix.lower().startswith(_SCHEME) and prefix[len(_SCHEME) :].partition("/")[0] != name:
            return _all_hidden(
                told(
                    "The access file '{name}' is written for another bucket ('{prefix}').",
                    name=shown(key),
                    prefix=shown(prefix),
                )
            )
    return parse_access(value, name=key, everyone=permissions.everyone)


def read_groups(bucket: Bucket, key: str) -> list[GroupMembers]:
    """All groups of the groups file.

    Raises:
        MalformedError: the file, or any one group of it, is not understood.
        ConnectorError: the store does not answer as it should, or does not hand the file over.
    """
    return parse_groups(decode_json(_handed_over(bucket, key, limit=MAX_GROUPS_FILE_BYTES)))


def acl_of(rules: AccessRules, key: str, companion: Companion, *, companions_open: bool) -> Acl:
    """The list of one object."""
    if companion.clause is None or companions_open or rules.is_covered(key):
        return rules.acl_of(key, companion.clause)
    # Whoever may write into a bucket may write a companion: that alone must not open anything.
    return rules.acl_of(key, companion.clause) if rules.acl_of(key).clauses else NOBODY


def hiding(rules: AccessRules) -> Iterator[Failure]:
    """Why prefixes are hidden. A key may be spelt composed or decomposed, so both are named."""
    for hidden in rules.hidden:
        spellings = dict.fromkeys((hidden.prefix, unicodedata.normalize("NFD", hidden.prefix)))
        for prefix in spellings:
            yield Failure(prefix, FailureCode.BAD_PERMISSIONS, hidden.reason, hide=True, is_prefix=True)


def _handed_over(bucket: Bucket, key: str, *, limit: int) -> bytes:
    """A file of the whole source. Nobody's permissions change because it may not be read."""
    try:
        return bucket.read_setting(key, limit=limit)
    except DocumentFailure as error:
        # What the store itself says is not there is no such failure: of any other absence nobody knows.
        trouble = withheld(shown(key), error, is_there=lambda: True, remedy=_READABLE)
        if trouble is None:
            raise MalformedError(told("cannot be read: {detail}", detail=error.detail)) from error
        raise trouble from error


def _prefixes(value: Json) -> Iterator[str]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            prefix = item.get("keyPrefix") if isinstance(item, Mapping) else None
            if isinstance(prefix, str):
                yield prefix


def _all_hidden(reason: str) -> AccessRules:
    return AccessRules({}, (Hidden("", reason),), NOBODY)
