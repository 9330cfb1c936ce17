"""Which repository is meant, and how is it reached?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from assistant.common.errors import UsageError
from assistant.common.told import told

PORTS = {"https": 443, "http": 80, "ssh": 22, "file": 0}
_HIGHEST_PORT = 65_535
_SHORT = re.compile(r"(?:([\w.+-]+)@)?([\w.-]+):(?!/)(.+)")  # git@host:team/repository.git
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*|[0-9A-Fa-f:.]+")
_USER = re.compile(r"[A-Za-z0-9_][\w.+-]*")
_BRANCH = re.compile(r"[^\s\x00-\x1f\x7f~^:?*\[\\]+")


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository. `path` begins with a slash; `name`, with which ids begin, is host and path."""

    scheme: str
    user: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The address as git is told it."""
        if self.scheme == "file":
            return f"file://{self.path}"
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{user}{host}:{self.port}{self.path}"

    @property
    def slug(self) -> str:
        """The path without slashes at its ends and without `.git`: `team/handbook`."""
        return unquote(self.path).strip("/").removesuffix(".git")

    @property
    def name(self) -> str:
        """`git.example.com/team/handbook`, with the port where it is not the usual one."""
        if self.scheme == "file":
            return f"file:{unquote(self.path).rstrip('/').removesuffix('.git')}"
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.host}{port}/{self.slug}"


def repository(text: str) -> Repository:
    """The repository of a typed address.

    Raises:
        UsageError: no https, ssh, file or http address, or one with a password in it.
    """
    typed = text.strip()
    short = _SHORT.fullmatch(typed) if "://" not in typed else None
    if short:
        typed = f"ssh://{short[1] or 'git'}@{short[2]}/{short[3]}"
    try:
        parts = urlsplit(typed)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise _refused(text) from None
    user = parts.username or ""
    if parts.scheme not in PORTS or parts.password is not None or parts.query or parts.fragment:
        raise _refused(text)
    if len(parts.path.strip("/")) == 0 or not parts.path.isprintable() or " " in parts.path:
        raise _refused(text)
    if parts.scheme == "file":
        if parts.netloc:
            raise _refused(text)
        return Repository("file", "", "", 0, parts.path)
    if not _HOST.fullmatch(host) or not 0 < port <= _HIGHEST_PORT or (user and not _USER.fullmatch(user)):
        raise _refused(text)
    if user and parts.scheme != "ssh":
        raise _refused(text)
    return Repository(parts.scheme, user, host, port, parts.path)


def _refused(text: str) -> UsageError:
    shown = re.sub(r"//[^/@]*@", "//…@", text.strip())[:120]
    return UsageError(
        told(
            "'{shown}' is no repository that can be read: write https://HOST/PATH, "
            "ssh://USER@HOST/PATH or file:///PATH, without a password in it.",
            shown=shown,
        )
    )


def branch_problem(branch: str) -> str:
    """Why this cannot be a branch, as the end of a sentence; empty when it can."""
    if not _BRANCH.fullmatch(branch) or ".." in branch or "@{" in branch or branch.startswith(("/", "-")):
        return told("is no name of a branch")
    return ""


def link(template: str, where: Repository, *, branch: str, path: str) -> str:
    """The page of a file, by a template with {repository}, {branch} and {path}."""
    values = {"{repository}": where.slug, "{branch}": branch or "HEAD", "{path}": path}
    return re.sub(
        "|".join(map(re.escape, values)),
        lambda found: quote(values[found[0]].encode("utf-8", "surrogateescape"), safe="/"),
        template,
    )
