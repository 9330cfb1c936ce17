"""HTML, Markdown, mail, JSON, XML, tables and plain text, in the encodings people send."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path

import pytest

from assistant.ingest.parsers.contract import Block, BlockKind, Parsed
from assistant.ingest.parsers.registry import parse_file
from assistant.ingest.parsers.text import parse_text

KOREAN = "사내 도서관은 평일 오전 아홉 시부터 오후 여섯 시까지 이용할 수 있습니다."


def read(path: Path, data: bytes | str, media_type: str = "") -> Parsed:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return parse_file(path, name=path.name, media_type=media_type)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "euc-kr", "utf-16", "utf-16-le"])
def test_korean_text_is_read_in_every_common_encoding(tmp_path: Path, encoding: str) -> None:
    text = f"Library hours\n\n{KOREAN}"

    assert read(tmp_path / "a.txt", text.encode(encoding)).blocks == (
        Block(BlockKind.PARAGRAPH, "Library hours"),
        Block(BlockKind.PARAGRAPH, KOREAN),
    )


def test_western_text_is_not_taken_for_korean(tmp_path: Path) -> None:
    text = "Der Prüfer übergibt die Schlüssel für das Büro und hört später, ob es geöffnet wurde."

    assert read(tmp_path / "a.txt", text.encode("cp1252")).text == text


def test_text_is_composed_and_free_of_invisible_signs(tmp_path: Path) -> None:
    parsed = read(
        tmp_path / "a.txt", "\u1100\u1161\u202e na\u00efve\u00adly\u200b \x07bell\ufeff\u2066x\u2069"
    )

    assert parsed.text == "가 naïvely bellx"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_tables_are_read_whatever_parts_their_cells(tmp_path: Path, delimiter: str) -> None:
    rows = [["이름", "부서"], ["김하늘", "영업 1팀"], ["Lee, J.", '"quoted"']]
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in rows]
    lines = "\r\n".join(delimiter.join(row) for row in quoted)
    parsed = read(tmp_path / "a.csv", lines.encode("cp949"))

    assert parsed.blocks == (Block(BlockKind.TABLE, "\n".join("\t".join(row) for row in rows)),)


def test_a_web_page_gives_what_a_reader_sees(tmp_path: Path) -> None:
    page = """<!DOCTYPE html><html><head><title>휴가 안내</title><style>p{}</style></head><body>
    <nav><a href="/">Home</a></nav><h1>연차 휴가</h1>
    <p>한 해에 <b>15일</b>을<br>쓸 수 있습니다.</p><script>alert("x")</script>
    <p style="display: none">hidden one</p><div hidden>hidden two</div>
    <span aria-hidden="true">hidden three</span>
    <ul><li>신청서<li>부서장 <i>승인</i></ul>
    <table><tr><th>근속</th><th>일수</th></tr><tr><td>1년</td><td>15</td></tr></table>
    <pre>line  one
  line two</pre><!-- comment --></body></html>"""
    parsed = read(tmp_path / "a.html", page)

    assert parsed.title == "휴가 안내"
    assert parsed.blocks == (
        Block(BlockKind.HEADING, "연차 휴가", 1),
        Block(BlockKind.PARAGRAPH, "한 해에 15일을\n쓸 수 있습니다."),
        Block(BlockKind.ITEM, "신청서"),
        Block(BlockKind.ITEM, "부서장 승인"),
        Block(BlockKind.TABLE, "근속\t일수\n1년\t15"),
        Block(BlockKind.CODE, "line  one\n  line two"),
    )


def test_a_web_page_says_its_encoding_in_its_head(tmp_path: Path) -> None:
    page = f'<html><head><meta charset="euc-kr"></head><body><p>{KOREAN}</p></body></html>'

    assert read(tmp_path / "a.htm", page.encode("euc-kr")).text == KOREAN


def test_markdown_gives_structure_and_its_front_matter_becomes_attributes(tmp_path: Path) -> None:
    page = """---
title: 보안 지침
owner: security@example.com
tags: [vpn, mfa]
---
# 1. 접속

Use the [VPN](https://vpn.example.com) **always**.
Wrapped line.

- 첫째 항목
- second item

| Team | Port |
|------|------|
| Core | 443  |

```
ssh  host
```
"""
    parsed = read(tmp_path / "a.md", page)

    assert parsed.title == "보안 지침"
    assert parsed.attributes == {"owner": "security@example.com", "tags": "vpn, mfa"}
    assert parsed.blocks == (
        Block(BlockKind.HEADING, "1. 접속", 1),
        Block(BlockKind.PARAGRAPH, "Use the VPN always. Wrapped line."),
        Block(BlockKind.ITEM, "첫째 항목"),
        Block(BlockKind.ITEM, "second item"),
        Block(BlockKind.TABLE, "Team\tPort\nCore\t443"),
        Block(BlockKind.CODE, "ssh  host"),
    )


def test_markdown_lines_that_carry_their_own_number_stay_lines(tmp_path: Path) -> None:
    parsed = read(tmp_path / "a.md", "다음 각 호와 같다.\n1\\. 사업주\n가\\. 개인\n그리고 법인\n")

    assert parsed.text == "다음 각 호와 같다.\n1. 사업주\n가. 개인 그리고 법인"


def test_mail_gives_subject_head_body_and_names_of_attachments(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "회의실 예약 변경"
    message["From"] = "김하늘 <sky@example.com>"
    message["To"] = "all@example.com"
    message["Date"] = "Mon, 02 Mar 2026 09:30:00 +0900"
    message.set_content("회의실이 바뀌었습니다.\n\n> 지난 공지: 3층", charset="euc-kr")
    message.add_alternative("<p>HTML twin</p>", subtype="html")
    message.add_attachment(b"secret words", maintype="application", subtype="pdf", filename="안내문.pdf")
    parsed = read(tmp_path / "a.eml", message.as_bytes())

    assert parsed.title == "회의실 예약 변경"
    assert parsed.attributes["from"] == "김하늘 <sky@example.com>"
    assert [block.text for block in parsed.blocks] == [
        "회의실 예약 변경",
        "From: 김하늘 <sky@example.com>\nTo: all@example.com\nDate: 2026-03-02 09:30+09:00",
        "회의실이 바뀌었습니다.",
        "> 지난 공지: 3층",
        "Attachments: 안내문.pdf",
    ]


def test_mail_without_plain_text_is_read_from_its_html(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "Menu"
    message.set_content("<h2>Lunch</h2><p>Bibimbap</p><script>x()</script>", subtype="html")
    parsed = read(tmp_path / "a.eml", message.as_bytes())

    assert [block.text for block in parsed.blocks] == ["Menu", "Lunch", "Bibimbap"]


def test_json_reads_as_paths_and_values(tmp_path: Path) -> None:
    value = {
        "title": "서버 목록",
        "hosts": [{"name": "web1", "ports": [80, 443]}, {"name": "db", "up": True}],
    }
    parsed = read(tmp_path / "a.json", json.dumps(value))

    assert parsed.title == "서버 목록"
    assert [block.text for block in parsed.blocks] == [
        "title: 서버 목록",
        "hosts[0].name: web1\nhosts[0].ports: 80, 443",
        "hosts[1].name: db\nhosts[1].up: true",
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
def test_json_lines_give_one_paragraph_a_line(tmp_path: Path, name: str) -> None:
    parsed = read(tmp_path / name, '{"q": "누구"}\n\n{"q": "언제"}\n')

    assert [block.text for block in parsed.blocks] == ["q: 누구", "q: 언제"]


def test_xml_gives_its_words(tmp_path: Path) -> None:
    parsed = read(tmp_path / "a.xml", "<doc><title>Guide</title><p>Press <b>Start</b> twice.</p></doc>")

    assert parsed.title == "Guide"
    assert [block.text for block in parsed.blocks] == ["Guide", "Press Start twice."]


def test_korean_chapters_and_articles_that_stand_alone_are_headings() -> None:
    parsed = parse_text(
        "제2장 휴가\n\n제5조(연차 휴가)\n\n제6조(보고) 직원은 사유를 보고합니다.\n\n제7조에 따른다."
    )

    assert [(block.kind, block.level) for block in parsed.blocks] == [
        (BlockKind.HEADING, 2),
        (BlockKind.HEADING, 3),
        (BlockKind.PARAGRAPH, 0),
        (BlockKind.PARAGRAPH, 0),
    ]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("README", ""), ("notes.unknown", ""), ("page", "text/html; charset=utf-8"), ("x.bin", "text/markdown")],
)
def test_files_without_a_known_extension_are_read_by_media_type_or_content(
    tmp_path: Path, name: str, media_type: str
) -> None:
    assert read(tmp_path / name, "plain words", media_type).text == "plain words"
