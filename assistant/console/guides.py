"""A kind's guide as a part of a page: rendered from our own Markdown, never from a source's."""

from __future__ import annotations

from functools import cache

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

from assistant.sync.kinds import kind_guide


@cache
def guide_page(kind: str, language: str) -> SafeString:
    """HTML with headings below that of the page. Raw HTML in the guide is shown, not obeyed."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(kind_guide(kind, language))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + 1)}"
    rendered: str = parser.renderer.render(tokens, parser.options, {})
    return SafeString(rendered)
