"""Which format is a file of? The one place that maps extensions and media types to names of formats.

The names are those of the parsers in `ingest.parsers.registry`, and the types by which a search is filtered.
"""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import splitext
from types import MappingProxyType

FORMATS = ("pdf", "docx", "pptx", "xlsx", "csv", "html", "md", "txt", "json", "jsonl", "yaml", "xml", "eml")

EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {
        **{extension: extension for extension in FORMATS},
        **dict.fromkeys(("xlsm",), "xlsx"),
        **dict.fromkeys(("pptm", "ppsx"), "pptx"),
        **dict.fromkeys(("tsv", "tab"), "csv"),
        **dict.fromkeys(("htm", "xhtml"), "html"),
        **dict.fromkeys(("markdown", "mdx", "mdown"), "md"),
        **dict.fromkeys(("ndjson",), "jsonl"),
        **dict.fromkeys(("yml",), "yaml"),
        **dict.fromkeys(("nxml",), "xml"),
        **dict.fromkeys(("text", "log", "rst", "org", "adoc", "asciidoc", "vtt", "srt"), "txt"),
        **dict.fromkeys(("ini", "cfg", "conf", "toml", "sql", "py", "js", "ts", "sh"), "txt"),
    }
)

_OFFICE = "application/vnd.openxmlformats-officedocument"
MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "application/pdf": "pdf",
        f"{_OFFICE}.wordprocessingml.document": "docx",
        f"{_OFFICE}.presentationml.presentation": "pptx",
        f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
        "text/csv": "csv",
        "text/tab-separated-values": "csv",
        "text/html": "html",
        "application/xhtml+xml": "html",
        "text/markdown": "md",
        "text/plain": "txt",
        "application/json": "json",
        "application/x-ndjson": "jsonl",
        "application/jsonl": "jsonl",
        "application/yaml": "yaml",
        "text/yaml": "yaml",
        "application/xml": "xml",
        "text/xml": "xml",
        "message/rfc822": "eml",
    }
)


def extension_of(name: str) -> str:
    """The extension of a file's name in lower case, without the dot; empty if it has none."""
    return splitext(name.strip())[1].lower().removeprefix(".")


def declared_format(*, name: str, media_type: str) -> str:
    """The format that a document's name says, else the one of its media type; empty if neither is known."""
    by_name = EXTENSIONS.get(extension_of(name), "")
    return by_name or MEDIA_TYPES.get(media_type.partition(";")[0].strip().lower(), "")
