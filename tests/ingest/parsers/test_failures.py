"""Every way a file can be wrong has its code, and none of them is a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.formats import EXTENSIONS, FORMATS, MEDIA_TYPES
from assistant.common.told import Told
from assistant.ingest.parsers import blocks, decoding, detection
from assistant.ingest.parsers.registry import PARSERS, load, parse_file
from tests.ingest.parsers.made_files import (
    encrypted_office,
    pdf_file,
    with_member,
    word_file,
    workbook_file,
    zip_of,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
ZIP_MARK = b"PK\x03\x04"
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><lolz>&j;</lolz>"
)


def code_of(path: Path, *, name: str = "") -> FailureCode:
    with pytest.raises(DocumentFailure) as caught:
        parse_file(path, name=name or path.name)
    return caught.value.code


def test_every_format_has_a_parser_that_loads() -> None:
    assert all(callable(load(format_name)) for format_name in PARSERS)
    assert set(FORMATS) == set(PARSERS)
    assert {*EXTENSIONS.values(), *MEDIA_TYPES.values()} <= set(PARSERS)


@pytest.mark.parametrize("extension", sorted(EXTENSIONS))
def test_a_file_without_bytes_is_empty(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    path.touch()

    assert code_of(path) is FailureCode.EMPTY


def test_a_file_that_is_gone_is_unreadable(tmp_path: Path) -> None:
    assert code_of(tmp_path / "gone.txt") is FailureCode.UNREADABLE


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv"])
def test_white_space_is_no_text(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(" \n\n\t \n--- \n")

    assert code_of(tmp_path / name) is FailureCode.NO_TEXT


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", PNG),
        ("a.pdf", ZIP_MARK + bytes(30)),
        ("a.pdf", b"<html><body>Sign in</body></html>"),
        ("a.docx", b"<!DOCTYPE html><html></html>"),
        ("a.docx", b"%PDF-1.7\n"),
        ("a.xlsx", b"name,amount\nx,1\n"),
        ("a.pptx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        ("a.txt", PNG),
        ("a.md", b"%PDF-1.7\n"),
        ("a.csv", ZIP_MARK + bytes(30)),
        ("a.json", bytes(range(256)) * 4),
    ],
)
def test_content_that_contradicts_its_name_is_mislabelled(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)

    assert code_of(tmp_path / name) is FailureCode.MISLABELLED


@pytest.mark.parametrize(
    "head", [b"7z\xbc\xaf\x27\x1c", b"\x7fELF", b"MZ\x90\x00", b"SQLite format 3\x00", b"GIF89a", b"%PDF-1.7"]
)
def test_what_a_file_really_is_can_be_told_in_any_language(head: bytes) -> None:
    assert isinstance(detection.kind_of(head), Told)


def test_one_office_format_under_the_name_of_another_is_mislabelled(tmp_path: Path) -> None:
    workbook_file(tmp_path / "a.xlsx")

    assert code_of(tmp_path / "a.xlsx", name="a.docx") is FailureCode.MISLABELLED


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx"])
def test_an_office_file_behind_a_password_is_encrypted(tmp_path: Path, name: str) -> None:
    assert code_of(encrypted_office(tmp_path / name)) is FailureCode.ENCRYPTED


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", b"%PDF-1.7\n" + b"rubbish " * 50),
        ("a.docx", ZIP_MARK + bytes(200)),
        ("a.json", b'{"open": '),
        ("a.jsonl", b'{"a": 1}\nnot json\n'),
        ("a.json", b"[" * 100_000),
        ("a.json", b'{"a":' * 200 + b"1" + b"}" * 200),
        ("a.xml", b"<a><b></a>"),
        ("a.xml", b'<a x="1" x="2"/>'),
    ],
)
def test_a_damaged_file_is_corrupt(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)

    assert code_of(tmp_path / name) is FailureCode.CORRUPT


@pytest.mark.parametrize("name", ["a.docx", "a.xlsx", "a.pdf"])
def test_a_file_cut_in_half_is_corrupt(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.pdf":
        pdf_file(path, "Words on a page.")
    else:
        (word_file if name == "a.docx" else workbook_file)(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    assert code_of(path) is FailureCode.CORRUPT


@pytest.mark.parametrize("name", ["a.png", "a.hwp", "a.doc", "a.zip", "a.exe", "a.rtf"])
def test_binary_files_without_a_parser_are_unsupported(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(PNG)

    assert code_of(tmp_path / name) is FailureCode.UNSUPPORTED


def test_an_xml_file_that_multiplies_entities_does_not_expand_them(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(LAUGHS)

    assert code_of(tmp_path / "a.xml") in {FailureCode.CORRUPT, FailureCode.NO_TEXT}


@pytest.mark.parametrize("member", ["word/document.xml", "word/styles.xml"])
def test_an_office_file_that_declares_entities_is_corrupt(tmp_path: Path, member: str) -> None:
    bomb = with_member(word_file(tmp_path / "a.docx"), tmp_path / "b.docx", member, LAUGHS.encode())

    assert code_of(bomb) is FailureCode.CORRUPT


def test_a_zip_bomb_is_too_large_before_anything_is_unpacked(tmp_path: Path) -> None:
    bomb = zip_of(tmp_path / "a.docx", {"word/document.xml": bytes(30_000_000)})

    assert bomb.stat().st_size < 100_000
    assert code_of(bomb) is FailureCode.TOO_LARGE


def test_a_zip_of_very_many_members_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "MAX_MEMBERS", 10)

    assert code_of(word_file(tmp_path / "a.docx")) is FailureCode.TOO_LARGE


def test_more_text_than_the_limit_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_CHARACTERS", 1_000)
    (tmp_path / "a.txt").write_text("word " * 300)

    assert code_of(tmp_path / "a.txt") is FailureCode.TOO_LARGE


def test_a_text_file_over_the_byte_limit_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MAX_TEXT_BYTES", 1_000)
    (tmp_path / "a.json").write_text(json.dumps({"a": "x" * 2_000}))

    assert code_of(tmp_path / "a.json") is FailureCode.TOO_LARGE


def test_failures_tell_what_to_do_and_never_quote_the_document(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"salary": "top secret figure"')
    with pytest.raises(DocumentFailure) as caught:
        parse_file(tmp_path / "a.json", name="a.json")
    (tmp_path / "a.doc").write_bytes(PNG)
    with pytest.raises(DocumentFailure) as refused:
        parse_file(tmp_path / "a.doc", name="a.doc")

    assert "secret" not in caught.value.detail
    assert "save it as .docx" in refused.value.detail
