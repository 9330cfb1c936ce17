"""DokuWiki's markup as Markdown: headings, lists and tables keep their sense, the rest its words.

Only what stands in the page itself is taken: what a plugin would put in when the page is shown
(other pages, lists of pages, results of queries) belongs to others and may have other readers.
"""

from __future__ import annotations

import re

from connectors.sdk.paired_tags import replace_paired

_VERBATIM = ("code", "file", "nowiki")
_PLAIN = re.compile(r"%%(.*?)%%", re.DOTALL)
_LINK = re.compile(r"\[\[([^\[\]|]*)(?:\|([^\[\]]*))?\]\]")
_MEDIA = re.compile(r"\{\{([^{}|]*)(?:\|([^{}]*))?\}\}")
_INCLUDED = re.compile(r"\{\{(?:page|section|namespace|tagtopic|rss|topic|blog)>[^{}]*\}\}", re.IGNORECASE)
_CONTROL = re.compile(r"~~[A-Z][A-Za-z0-9:_ -]*~~")
_TAG = re.compile(r"</?(?:sub|sup|del|ins|wrap|hidden|note|fc|color|html|php|HTML|PHP|WRAP)\b[^<>\n]*>")
# Of at most 500 characters: each sign would otherwise look through the whole line for its end.
_EMPHASIS = re.compile(r"(?<![:/])//(?=\S)(.{1,500}?)(?<=\S)(?<!:)//|''(?=\S)(.+?)''|__(?=\S)(.+?)__")
_BREAK = re.compile(r"\\\\(?:[ \t]|$)", re.MULTILINE)
_ITEM = re.compile(r"^((?:  |\t)+)([*-])[ \t]*(?=\S)", re.MULTILINE)
_ROW = re.compile(r"^[|^].*[|^][ \t]*$")
_KEPT = re.compile("\ue000(\\d+)\ue001")
_FEWEST, _LEVELS = 2, 6  # equals signs around a heading
_MARKDOWN_ONLY = re.compile(r"^([ \t]*)(#+(?=[ \t])|>)", re.MULTILINE)


def as_markdown(text: str) -> str:
    """The page as Markdown."""
    kept: list[str] = []

    def keep(block: str) -> str:
        kept.append(_KEPT.sub(lambda found: kept[int(found[1])], block))
        return f"\ue000{len(kept) - 1}\ue001"

    def verbatim(name: str, inside: str) -> str:
        return keep(inside) if name == "nowiki" else f"\n\n{keep(_fenced(inside))}\n\n"

    text = text.replace("\r\n", "\n").replace("\ue000", "").replace("\ue001", "")
    text = replace_paired(text, _VERBATIM, verbatim)
    text = _PLAIN.sub(lambda found: keep(found[1]), text)
    text = _INCLUDED.sub("", _CONTROL.sub("", text))
    text = _MARKDOWN_ONLY.sub(r"\1\\\2", text)
    text = "\n".join(map(_with_heading, text.split("\n")))
    text = _LINK.sub(_link_words, text)
    text = _MEDIA.sub(_media_words, text)
    text = _TAG.sub("", text)
    text = _EMPHASIS.sub(lambda found: next(part for part in found.groups() if part is not None), text)
    text = _BREAK.sub("  \n", text)
    text = _ITEM.sub(_item, text)
    return _KEPT.sub(lambda found: kept[int(found[1])], _with_tables(text))


def _with_heading(line: str) -> str:
    """A line between equals signs as a heading, the more the higher; any other line as it is."""
    bare = line.strip(" \t")
    before, behind = len(bare) - len(bare.lstrip("=")), len(bare) - len(bare.rstrip("="))
    level = min(before, _LEVELS)
    title = bare[level : len(bare) - behind].strip(" \t")
    if min(before, behind) < _FEWEST or not title:
        return line
    return f"\n{'#' * (_LEVELS + 1 - level)} {title}\n"


def _fenced(code: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{code.strip(chr(10))}\n{fence}"


def _link_words(found: re.Match[str]) -> str:
    """What a reader sees: the title if the author wrote one, else the target as it is written."""
    return (found[2] or found[1]).strip()


def _media_words(found: re.Match[str]) -> str:
    return (found[2] or "").strip()


def _item(found: re.Match[str]) -> str:
    depth = len(found[1].replace("\t", "  ")) // 2
    return "  " * (depth - 1) + ("- " if found[2] == "*" else "1. ")


def _with_tables(text: str) -> str:
    """Tables as Markdown writes them: cells parted by bars, a line under the first row."""
    lines: list[str] = []
    inside = False
    for line in text.split("\n"):
        if not _ROW.match(line):
            inside = False
            lines.append(line)
            continue
        cells = [cell.strip() for cell in re.split(r"[|^]", line.strip()[1:-1])]
        if not inside:
            lines.extend(["", f"| {' | '.join(cells)} |", "|" + " --- |" * len(cells)])
        else:
            lines.append(f"| {' | '.join(cells)} |")
        inside = True
    return "\n".join(lines)
