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
_MEDIA = re.compile(
    r"\[\[(?:file|image|media|category|파일|그림|분류|미디어)\s*:[^\[\]]*(?:\[\[[^\[\]]*\]\][^\[\]]*)*\]\]",
    re.IGNORECASE,
)
_LINK = re.compile(r"\[\[:?([^\[\]|]*)(?:\|([^\[\]]*))?\]\]")
_OUTSIDE = re.compile(
    r"\[(?:https?:|ftps?:)?//[^\s\[\]]+(?:[ \t]([^\[\]\n]*))?\]|\[mailto:[^\s\[\]]+(?:[ \t]([^\[\]\n]*))?\]"
)
_QUOTES = re.compile(r"'{2,5}")
_WORD = re.compile(r"__[A-Z]+__")
_ITEM = re.compile(r"^([*#:;]+)[ \t]*", re.MULTILINE)
_KEPT = re.compile("\ue000(\\d+)\ue001")
_NAME = re.compile(r"[\w \-]{1,60}")
_NO_CHARACTER = re.compile(r"&#(?=[0-9]{8})")  # so many digits that Python refuses to read them
_DEEPEST = 40
_LEVELS = 6


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
    text = "\n".join(map(_with_heading, _tables(text).split("\n")))
    text = _LINK.sub(lambda found: (found[2] or found[1]).strip(), _MEDIA.sub("", text))
    text = _OUTSIDE.sub(lambda found: (found[1] or found[2] or "").lstrip(" \t"), text)
    text = _TAG.sub("", _BREAK.sub("  \n", text))
    text = html.unescape(_NO_CHARACTER.sub("&amp;#", _QUOTES.sub("", _WORD.sub("", text))))
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
    name, *given = _parts(found[1])
    if name.strip().startswith(("#", ":")) or not given:
        return ""
    values = [_value(part) for part in given]
    return "\n".join(filter(None, values)) if len(values) > 1 else values[0]


def _parts(call: str) -> list[str]:
    """What stands between the bars of a template, without those of links."""
    parts: list[str] = []
    begun = 0
    opened = closed = -1
    for at in (found.start() for found in re.finditer(r"\|", call)):
        opened = _next("[", call, at) if opened < at else opened
        closed = _next("]]", call, at) if closed < at else closed
        if opened <= closed:  # the next link begins before one ends, so none is open here
            parts.append(call[begun:at])
            begun = at + 1
    return [*parts, call[begun:]]


def _next(sign: str, text: str, at: int) -> int:
    """Where the sign stands next; behind the text where it does not."""
    found = text.find(sign, at)
    return len(text) if found < 0 else found


def _with_heading(line: str) -> str:
    """A line between equals signs, as many on both sides, as a heading; any other line as it is."""
    bare = line.rstrip(" \t")
    before, behind = len(bare) - len(bare.lstrip("=")), len(bare) - len(bare.rstrip("="))
    level = min(before, behind, (len(bare) - 1) // 2, _LEVELS)
    title = bare[level : len(bare) - level].strip(" \t") if level > 0 else ""
    return f"\n{'#' * level} {title}\n" if title else line


def _value(part: str) -> str:
    name, equals, value = part.partition("=")
    if equals and _NAME.fullmatch(name.strip()):
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
    cells: list[list[str]] | None = None  # the lines of each
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
                cells.extend([_cell(part)] for part in re.split(r"\|\||!!", bare[1:]))
        elif bare and cells:
            cells[-1].append(bare)
    if depth and cells:
        _put_row(lines, cells, first=rows == 0)
    return "\n".join(lines)


def _cell(text: str) -> str:
    """A cell without its attributes."""
    head, bar, rest = text.partition("|")
    return (rest if bar and "=" in head and "[[" not in head else text).strip().replace("|", "\\|")


def _put_row(lines: list[str], cells: list[list[str]], *, first: bool) -> int:
    if not cells:
        return 0
    if first:
        lines.append("")
    lines.append(f"| {' | '.join(' '.join(filter(None, cell)) for cell in cells)} |")
    if first:
        lines.append("|" + " --- |" * len(cells))
    return 1
