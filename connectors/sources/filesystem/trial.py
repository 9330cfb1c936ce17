"""The connection test of a folder: what each right the connector needs turned out to be."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from assistant.common.os_reasons import os_reason
from assistant.common.told import said, told
from connectors.sdk.access_file import AccessRules
from connectors.sdk.beneath import open_file
from connectors.sdk.contract import CheckItem, Failure, PrincipalEvent
from connectors.sdk.errors import ConnectorError
from connectors.sources.filesystem.walk import Found

Decides = Literal["disk", "access file", "audience"]  # what the permissions come from


def try_out(
    *,
    root: Path,
    files: Callable[[], Iterator[Found | Failure]],
    rules: AccessRules,
    decides: Decides,
    groups: Sequence[PrincipalEvent] | None,
) -> list[CheckItem]:
    """One item for each step: list, read content, read permissions, read groups."""
    try:
        listed = list(files())
    except ConnectorError as error:
        return [CheckItem("list", ok=False, detail=said(error))]
    found = [item for item in listed if isinstance(item, Found)]
    failures = [item for item in listed if isinstance(item, Failure)]
    return [
        _listing(found, failures),
        _content(root, found),
        _permissions(rules, found, decides),
        _groups(groups, decides),
    ]


def _listing(found: Sequence[Found], failures: Sequence[Failure]) -> CheckItem:
    if failures:
        first = failures[0]
        detail = told(
            "{count} files, {places} places not readable; the first is '{name}': {detail}",
            count=len(found),
            places=len(failures),
            name=first.external_id,
            detail=first.detail or first.code,
        )
        return CheckItem("list", ok=False, detail=detail)
    return CheckItem(
        "list",
        ok=bool(found),
        detail=told("{count} files", count=len(found)) if found else told("The folder has no files."),
    )


def _content(root: Path, found: Sequence[Found]) -> CheckItem:
    if not found:
        return CheckItem("read content", ok=False, detail=told("There is no file to try."))
    sample = found[0]
    try:
        with open(open_file(root, sample.parts), "rb") as stream:  # noqa: PTH123 - a descriptor, no path
            stream.read(1)
    except OSError as error:
        return CheckItem(
            "read content",
            ok=False,
            detail=told("'{name}': {reason}", name=sample.external_id, reason=os_reason(error)),
        )
    return CheckItem("read content", ok=True, detail=told("'{name}' can be opened.", name=sample.external_id))


def _rights(found: Sequence[Found]) -> CheckItem:
    step = "read permissions"
    unread = [item.external_id for item in found if None in item.layers]
    if unread:
        detail = told(
            "The rights of {count} files cannot be read; the first is '{unread}'.",
            count=len(unread),
            unread=unread[0],
        )
        return CheckItem(step, ok=False, detail=detail)
    closed = sum(any(layer and not layer.entries for layer in item.layers) for item in found)
    detail = told(
        "Owner, groups and access lists of {count} files; {closed} of them are open to nobody.",
        count=len(found),
        closed=closed,
    )
    return CheckItem(step, ok=True, detail=detail)


def _permissions(rules: AccessRules, found: Sequence[Found], decides: Decides) -> CheckItem:
    step = "read permissions"
    if rules.hidden:
        return CheckItem(step, ok=False, detail=rules.hidden[0].reason)
    if decides == "disk":
        return _rights(found)
    audience = told("everyone who can sign in") if rules.otherwise.clauses else told("nobody")
    if decides == "audience":
        return CheckItem(
            step,
            ok=True,
            detail=told("No access file. Files without a list of their own: {audience}.", audience=audience),
        )
    ids = [item.external_id for item in found]
    reached = {prefix for each in ids for prefix in _folder_prefixes(each)}
    unused = sorted(set(rules.clauses) - reached)
    uncovered = sum(not rules.is_covered(each) for each in ids)
    detail = told(
        "{count} prefixes; {uncovered} files under none of them: {audience}.",
        count=len(rules.clauses),
        uncovered=uncovered,
        audience=audience,
    )
    if unused:
        warning = told(
            "{count} prefixes cover no file or end inside a name, such as '{unused}': check their spelling.",
            count=len(unused),
            unused=unused[0],
        )
        detail = told("{said} {warning}", said=detail, warning=warning)
    # Under an audience, a misspelt prefix leaves open what it was meant to protect.
    return CheckItem(step, ok=not (unused and rules.otherwise.clauses), detail=detail)


def _folder_prefixes(external_id: str) -> Iterator[str]:
    """Every prefix that stands for the file itself or for a folder around it."""
    key = unicodedata.normalize("NFC", external_id)
    yield from ("", key)
    for n, character in enumerate(key):
        if character == "/":
            yield from (key[:n], key[: n + 1])


def _groups(groups: Sequence[PrincipalEvent] | None, decides: Decides) -> CheckItem:
    step = "read groups"
    if groups is None and decides == "disk":
        detail = told("No groups file: who has which number must be known from the directory of this source.")
        return CheckItem(step, ok=True, detail=detail)
    if groups is None:
        return CheckItem(
            step, ok=True, detail=told("No groups file: groups in the access file have no known members.")
        )
    for event in groups:
        if isinstance(event, Failure):
            return CheckItem(step, ok=False, detail=event.detail)
    return CheckItem(step, ok=True, detail=told("{count} groups", count=len(groups) - 1))
