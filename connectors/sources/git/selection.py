"""What is read of which repositories, and who may see it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fnmatch import fnmatchcase

from assistant.common.acl import Acl
from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.common.types import JsonObject
from connectors.sdk.audience import audience_acl
from connectors.sdk.document_fields import web_address
from connectors.sdk.exact_json import as_list
from connectors.sources.git.address import Repository, branch_problem, repository


@dataclass(frozen=True, slots=True)
class Selection:
    """`include`: folders that end with / and patterns; empty: everything. `fingerprint` of all of it."""

    repositories: tuple[Repository, ...]
    branch: str
    include: tuple[str, ...]
    link: str
    acl: Acl
    fingerprint: str

    def takes(self, path: str) -> bool:
        """Whether the file at this path is a document. What is hidden, or in a hidden folder, is none."""
        if any(step.startswith(".") for step in path.split("/")):
            return False
        return not self.include or any(_fits(path, pattern) for pattern in self.include)


def _fits(path: str, pattern: str) -> bool:
    if pattern.endswith("/"):
        return path.startswith(pattern)
    return fnmatchcase(path if "/" in pattern else path.rpartition("/")[2], pattern)


def selection(config: JsonObject, *, has_token: bool) -> Selection:
    """The selection of a validated configuration.

    Raises:
        UsageError: an address, branch or template that cannot be meant.
    """
    repositories = tuple(repository(str(line)) for line in as_list(config["repositories"], "repositories"))
    names = [each.name for each in repositories]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise UsageError(told("'{twice}' is named twice: leave one of the two out.", twice=twice))
    if has_token and any(each.scheme == "http" for each in repositories):
        raise UsageError(told("A token would go over the line in plain text: write https instead of http."))
    if has_token and len({(each.host, each.port) for each in repositories if each.scheme == "https"}) > 1:
        raise UsageError(
            told("One token is for one server: make a source for the repositories of each server.")
        )
    branch = str(config.get("branch", ""))
    if branch and branch_problem(branch):
        raise UsageError(
            told("'{branch}' {branch_problem}.", branch=branch[:80], branch_problem=branch_problem(branch))
        )
    link = str(config.get("link", ""))
    if link and ("{path}" not in link or not web_address(link.replace("{", "").replace("}", ""))):
        raise UsageError(
            told(
                "The link must be an https address with {{path}} in it, and perhaps {{repository}}, "
                "{{branch}}."
            )
        )
    include = tuple(str(line).lstrip("/") for line in as_list(config.get("include", []), "include"))
    known = {key: config.get(key) for key in ("branch", "include", "link", "audience")}
    return Selection(
        repositories=repositories,
        branch=branch,
        include=include,
        link=link,
        acl=audience_acl(config.get("audience")),
        fingerprint=hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16],
    )
