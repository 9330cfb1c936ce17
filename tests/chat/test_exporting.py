"""A file holds what its reader may see when it is made, and nothing in it can run, load or be clicked."""

from __future__ import annotations

import json
import re

import pytest
from django.utils import timezone, translation
from markdown_it import MarkdownIt

from assistant.audit.models import AuditEvent
from assistant.chat.events import CitedPassage, Token
from assistant.chat.exported_text import Export, ExportedTurn, as_html, as_json, as_markdown
from assistant.chat.exporting import FORMATS, export_conversation, export_shared, file_name
from assistant.common.errors import NotFound, UsageError
from tests.chat.test_sharing import CANARIES, MERGER, REMOTE, TITLES, shared_by
from tests.conftest import SmallWorld

HOSTILE = (
    "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>",
    "![pixel](https://evil.example/p.png) [click](javascript:alert(1))",
    "[ref]: https://evil.example",
    "# heading",
    "1. one\n2) two\n- three\n> quote\n```\ncode\n```\n---\n===",
    "| a | b |\n|---|---|\n| c | d |",
    "<https://evil.example> https://evil.example www.evil.example mailto:x@evil.example",
    "&lt;b&gt; &#60;i&#62; \\<u> *bold* _it_ ~~gone~~ `code` $x$",
    "\u202egnp.exe\u2028# after a separator\x00\x1b[31m",
    "]]>--><!-- </title></style><svg onload=alert(1)>",
)


def hostile(text: str) -> Export:
    """A conversation in which every word of others is `text`."""
    source = CitedPassage(
        n=1,
        document_id=1,
        external_id=text,
        title=text,
        source=text,
        url=f"https://evil.example/{text}",
        place=text,
        place_kind="sheet",
        headings=text,
        passage=text,
        modified_at="",
        synced_at="",
        cited=True,
    )
    turn = ExportedTurn(
        question=text,
        language="en",
        asked_at=timezone.now(),
        sentences=(Token(text, (1,)), Token(f"a\t{text}", ()), Token(text, ())),
        note=text,
        sources=(source,),
    )
    return Export(title=text, made_at=timezone.now(), made_for="ann@example.com", turns=(turn,))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_markdown(text: str) -> None:
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = [
        inner
        for token in reader.parse(as_markdown(hostile(text)))
        for inner in (token, *(token.children or []))
    ]
    kinds = {token.type for token in tokens}
    allowed = {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text"),
        *("softbreak", "hardbreak", "bullet_list_open", "bullet_list_close", "list_item_open"),
        *("list_item_close", "blockquote_open", "blockquote_close", "strong_open", "strong_close"),
    }
    assert kinds - allowed == set()
    assert sum(token.type == "heading_open" for token in tokens) == 3  # title, question, sources
    assert sum(token.type == "strong_open" for token in tokens) == 1
    shown = " ".join(token.content for token in tokens if token.type == "text")
    words = re.sub(r"[\x00-\x1f\u202e]", " ", text).split()
    assert all(word in shown for word in words)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_html(text: str) -> None:
    page = as_html(hostile(text))
    elements = set(re.findall(r"<([a-zA-Z!/][\w-]*)", page))
    allowed = {"!DOCTYPE", "html", "head", "meta", "title", "style", "body", "header", "h1", "p", "article"}
    allowed |= {"h2", "h3", "div", "span", "sup", "small", "ul", "li", "strong", "blockquote"}
    assert {element.lstrip("/") for element in elements} <= allowed
    assert page.count("<style>") == page.count("</style>") == page.count("<title>") == 1
    assert not re.search(r"<[^>]*\s(?:src|href|on\w+|style)\s*=", page)


def test_an_html_file_lets_nothing_run_or_load() -> None:
    page = as_html(hostile("x"))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy[1].startswith("default-src &#x27;none&#x27;; style-src &#x27;sha256-")
    assert page.index("Content-Security-Policy") < page.index("<style>")
    assert "unsafe-inline" not in page


def test_a_json_file_keeps_every_character() -> None:
    for text in HOSTILE:
        read = json.loads(as_json(hostile(text)))
        assert read["format"] == "mundap-conversation/1"
        sentence = {"text": text, "citations": [1], "short_answer": "", "calculated": ""}
        assert read["turns"][0]["answer"][0] == sentence
        assert read["turns"][0]["sources"][0]["title"] == text


@pytest.mark.parametrize("kind", list(FORMATS))
def test_a_file_holds_the_answers_with_their_sources(small_world: SmallWorld, kind: str) -> None:
    cho = small_world.viewer("cho")
    conversation_id, _ = shared_by(cho, REMOTE, MERGER)
    text = export_conversation(viewer=cho, conversation_id=conversation_id, kind=kind).content.decode()
    for expected in (REMOTE, MERGER, *(CANARIES[d] for d in ("handbook", "merger")), TITLES["merger"]):
        assert expected in text
    assert "cho@example.com" in text


@pytest.mark.parametrize("kind", list(FORMATS))
def test_what_is_withheld_from_its_owner_is_withheld_in_the_file(small_world: SmallWorld, kind: str) -> None:
    cho = small_world.viewer("cho")
    conversation_id, _ = shared_by(cho, REMOTE, MERGER)
    small_world.documents["merger"]["acl"] = {"allow": ["group:hr"]}
    small_world.sync("permissions")
    text = export_conversation(viewer=cho, conversation_id=conversation_id, kind=kind).content.decode()
    assert CANARIES["handbook"] in text
    assert CANARIES["merger"] not in text
    assert TITLES["merger"] not in text
    assert "shown any more" in text


@pytest.mark.parametrize("kind", list(FORMATS))
@pytest.mark.parametrize(("name", "reads"), [("ann", {"handbook"}), ("bob", {"handbook"}), ("sam", set())])
def test_a_readers_file_is_the_readers_view(
    small_world: SmallWorld, kind: str, name: str, reads: set[str]
) -> None:
    _, token = shared_by(small_world.viewer("cho"), REMOTE, MERGER)
    reader = small_world.viewer(name)
    text = export_shared(viewer=reader, token=token, kind=kind).content.decode()
    for document in ("handbook", "merger"):
        assert (CANARIES[document] in text) is (document in reads)
        assert (TITLES[document] in text) is (document in reads)
    assert text.count("open to you") == 2 - len(reads)


def test_nobody_exports_what_is_not_theirs_and_no_unknown_format_is_made(small_world: SmallWorld) -> None:
    conversation_id, token = shared_by(small_world.viewer("cho"), REMOTE)
    ann, cho = small_world.viewer("ann"), small_world.viewer("cho")
    for kind in (*FORMATS, "exe"):
        for number in (conversation_id, conversation_id + 1000):
            with pytest.raises(NotFound):
                export_conversation(viewer=ann, conversation_id=number, kind=kind)
        with pytest.raises(NotFound):
            export_shared(viewer=ann, token=token[:-1], kind=kind)
    for kind in ("", "MD", "../md"):
        with pytest.raises(UsageError, match="md, html, json"):
            export_conversation(viewer=cho, conversation_id=conversation_id, kind=kind)
    assert not AuditEvent.objects.filter(event="conversation_exported").exists()


def test_exports_are_audited_with_numbers_only(small_world: SmallWorld) -> None:
    conversation_id, token = shared_by(small_world.viewer("cho"), REMOTE)
    export_conversation(viewer=small_world.viewer("cho"), conversation_id=conversation_id, kind="md")
    export_shared(viewer=small_world.viewer("ann"), token=token, kind="json")
    own, others = AuditEvent.objects.filter(event="conversation_exported").order_by("pk")
    assert (own.actor, own.data) == ("cho@example.com", {"conversation": conversation_id, "format": "md"})
    assert others.actor == "ann@example.com"
    assert set(others.data) == {"conversation", "share", "format"}


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("연차는 며칠까지 이월할 수 있나요?", " 연차는 며칠까지 이월할 수 있나요"),
        ('../..\\etc/passwd\r\nX: "y"', " etc passwd X y"),
        ("CON", " CON"),
        ("\u202egnp.exe", " gnp.exe"),
        ("???", ""),
        ("가" * 120, " " + "가" * 60),
    ],
)
def test_a_file_name_is_safe_everywhere_and_may_be_korean(title: str, words: str) -> None:
    assert file_name(title, "md") == f"Mundap {timezone.localdate().isoformat()}{words}.md"


def test_a_korean_reader_gets_a_korean_file(small_world: SmallWorld) -> None:
    _, token = shared_by(small_world.viewer("cho"), MERGER)
    with translation.override("ko"):
        page = export_shared(viewer=small_world.viewer("sam"), token=token, kind="html").content.decode()
    assert '<html lang="ko">' in page
    assert MERGER in page
