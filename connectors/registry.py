"""Kinds of sources, loaded on use. A new one is one line here and one folder in `sources`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from assistant.common.errors import UsageError
from connectors.sdk.contract import ConnectorKind

KINDS = {
    "database": "connectors.sources.database.kind:KIND",
    "dokuwiki": "connectors.sources.dokuwiki.kind:KIND",
    "feed": "connectors.sources.feed.kind:KIND",
    "filesystem": "connectors.sources.filesystem.kind:KIND",
    "git": "connectors.sources.git.kind:KIND",
    "imap": "connectors.sources.imap.kind:KIND",
    "jsonl": "connectors.sources.jsonl.kind:KIND",
    "ldap": "connectors.sources.ldap.kind:KIND",
    "mediawiki": "connectors.sources.mediawiki.kind:KIND",
    "push": "connectors.sources.push.kind:KIND",
    "s3": "connectors.sources.s3.kind:KIND",
    "sftp": "connectors.sources.sftp.kind:KIND",
    "smb": "connectors.sources.smb.kind:KIND",
    "web": "connectors.sources.web.kind:KIND",
    "webdav": "connectors.sources.webdav.kind:KIND",
}


def connector_kind(name: str) -> ConnectorKind:
    """The kind called `name`.

    Raises:
        UsageError: there is none.
    """
    if name not in KINDS:
        raise UsageError(f"Unknown source kind '{name}'. Known kinds: {', '.join(sorted(KINDS))}.")
    module, _, attribute = KINDS[name].partition(":")
    kind = getattr(import_module(module), attribute)
    assert isinstance(kind, ConnectorKind)
    return kind


def guide(name: str, language: str) -> str:
    """What administrators must know of a kind, as Markdown: rights, content, permissions, limits."""
    folder = Path(__file__).parent / "sources" / name
    written = folder / f"guide.{language}.md"
    return (written if written.is_file() else folder / "guide.en.md").read_text(encoding="utf-8")
