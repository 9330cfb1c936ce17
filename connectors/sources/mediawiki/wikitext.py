"""Wikitext as Markdown: headings, lists and tables keep their sense, the rest its words.

Templates and pages that are put into a page when it is shown belong to others and may have other
readers, so they are left out; what the page itself hands to a template is its own and stays.
"""

from __future__ import annotations

import html
import re

from connectors.sdk.paired_tags import replace_paired

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_VERBATIM = ("nowiki", "pre", "syntaxhighlight", "source", "math")
_BLOCKS = frozenset({"pre", "syntaxhighlight", "source"})
_CALL = re.compile(r"\{\{(?!\{)([^{}]*)\}\}|\{\{\{([^{}]*)\}\}\}")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]*>")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_HEADING = re.compile(r"^(={1,6})[ \t]*(.+?)[ \t]*\1[ \t]*$", re.MULTILINE)
_MEDIA = re.compile(
    r"\[\[(?:file|image|media|category|파일|그림|분류|미디어)\s*:[^\[\]]*(?:\[\[[^\[\]]*\]\][^\[\]]*)*\]\]",
    re.IGNORECASE,
)
_LINK = re.compile(r"\[\[:?([^\[\]|]*)(?:\|([^\[\]]*))?\]\]")
_OUTSIDE = re.compile(
    r"\[(?:https?:|ftps?:)?//[^\s\[\]]+(?:[ \t]+([^\[\]\n]*))?\]|\[mailto:[^\s\[\]]+(?:[ \t]+([^\[\]\n]*))?\]"
)
_QUOTES = re.compile(r"'{2,5}")
_WORD = re.compile(r"__[A-Z]+__")
_ITEM = re.compile(r"^([*#:;]+)[ \t]*", re.MULTILINE)
_KEPT = re.compile("\ue000(\\d+)\ue001")
_DEEPEST = 40


def as_markdown(text: str) -> str:
    """The page as Markdown."""
    kept: list[str] = []

    def keep(name: str, inside: str) -> str:
        kept.append(_fenced(inside) if name in _BLOCKS else inside)
        return f"\ue000{len(kept) - 1}\ue001"

    text = text.replace("\r\n", "\n").replace("\ue000", "").replace("\ue001", "")
    text = _COMMENT.sub("", replace_paired(text, _VERBATIM, keep))
    text = replace_paired(text, ("includeonly",), lambda _name, _inside: "")
    text = _with_items(_without_calls(text))
    text = _HEADING.sub(lambda found: f"\n{'#' * len(found[1])} {found[2]}\n", _tables(text))
    text = _LINK.sub(lambda found: (found[2] or found[1]).strip(), _MEDIA.sub("", text))
    text = _OUTSIDE.sub(lambda found: found[1] or found[2] or "", text)
    text = _TAG.sub("", _BREAK.sub("  \n", text))
    text = html.unescape(_QUOTES.sub("", _WORD.sub("", text)))
    return _KEPT.sub(lambda found: kept[int(found[1])], text)


def _fenced(code: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n\n{fence}\n{code.strip(chr(10))}\n{fence}\n\n"


def _without_calls(text: str) -> str:
    """Without templates, from the inside out; a template gives way to what the page hands to it."""
    for _ in range(_DEEPEST):
        text, changed = _CALL.subn(_handed_over, text)
        if not changed:
            break
    return text


def _handed_over(found: re.Match[str]) -> str:
    if found[1] is None:
        return ""  # a parameter of the page itself, when it is a template
    name, *given = re.split(r"\|(?![^\[]*\]\])", found[1])
    if name.strip().startswith(("#", ":")) or not given:
        return ""
    values = [_value(part) for part in given]
    return "\n".join(filter(None, values)) if len(values) > 1 else values[0]


def _value(part: str) -> str:
    name, equals, value = part.partition("=")
    if equals and re.fullmatch(r"\s*[\w \-]{1,60}\s*", name):
        return f"{name.strip()}: {value.strip()}" if value.strip() else ""
    return part.strip()


def _with_items(text: str) -> str:
    """Lists with the marks of Markdown. Definitions and indentations are paragraphs."""

    def mark(found: re.Match[str]) -> str:
        marks = found[1]
        if marks[-1] in "*#":
            return "  " * (len(marks) - 1) + ("- " if marks[-1] == "*" else "1. ")
        return "\n"

    return _ITEM.sub(mark, text)


def _tables(text: str) -> str:
    """Tables as Markdown writes them; one inside another gives its cells to the outer one."""
    lines: list[str] = []
    cells: list[str] | None = None
    depth = rows = 0
    for line in text.split("\n"):
        bare = line.strip()
        if bare.startswith("{|"):
            depth += 1
            cells, rows = (cells, rows) if depth > 1 else ([], 0)
        elif depth == 0 or cells is None:
            lines.append(line)
        elif bare.startswith(("|-", "|}")):
            rows += _put_row(lines, cells, first=rows == 0)
            cells = []
            depth -= bare.startswith("|}")
        elif bare.startswith(("|", "!")):
            if not bare.startswith("|+"):
                cells.extend(_cell(part) for part in re.split(r"\|\||!!", bare[1:]))
        elif bare and cells:
            cells[-1] = f"{cells[-1]} {bare}".strip()
    if depth and cells:
        _put_row(lines, cells, first=rows == 0)
    return "\n".join(lines)


def _cell(text: str) -> str:
    """A cell without its attributes."""
    head, bar, rest = text.partition("|")
    return (rest if bar and "=" in head and "[[" not in head else text).strip().replace("|", "\\|")


def _put_row(lines: list[str], cells: list[str], *, first: bool) -> int:
    if not cells:
        return 0
    if first:
        lines.append("")
    lines.append(f"| {' | '.join(cells)} |")
    if first:
        lines.append("|" + " --- |" * len(cells))
    return 1
