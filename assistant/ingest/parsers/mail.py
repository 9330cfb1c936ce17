"""E-mail messages: subject, a head that a person can read, then the body; attachments by name only."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.ingest.parsers.blocks import BlockList, one_line
from assistant.ingest.parsers.contract import Block, BlockKind, Parsed
from assistant.ingest.parsers.decoding import decode, known_encoding, read_bytes
from assistant.ingest.parsers.text import add_paragraphs
from assistant.ingest.parsers.webpage import parse_markup

MAX_PARTS = 1_000
_HEAD = (("From", "from"), ("To", "to"), ("Cc", "cc"), ("Date", "date"))
_FOLDED = re.compile(r"\r?\n[ \t]*")


def parse(path: Path) -> Parsed:
    """Parse one message. Plain text is preferred to HTML; quoted history stays.

    Raises:
        DocumentFailure: MISLABELLED where there is no head, NO_TEXT, CORRUPT, or TOO_LARGE.
    """
    data = read_bytes(path)
    if b"\x00" in data[:2] or data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF8)):
        data = decode(data).encode("utf-8", "replace")
    message = message_from_bytes(data, policy=policy.compat32)
    fields = {key: _header(message, name) for name, key in (*_HEAD, ("Subject", "subject"))}
    if not any(fields.values()) and not message.keys():
        raise DocumentFailure(FailureCode.MISLABELLED, told("the content has no mail head"))
    fields["date"] = _date(fields["date"])
    subject = fields.pop("subject")
    blocks = BlockList()
    blocks.heading(subject, level=1)
    blocks.paragraph("\n".join(f"{name}: {fields[key]}" for name, key in _HEAD if fields[key]))
    plain, html, attached = _contents(message)
    if any(text.strip() for text in plain):
        for text in plain:
            add_paragraphs(blocks, text)
    else:
        for markup in html:
            _add_html(blocks, markup)
    blocks.paragraph(f"Attachments: {', '.join(attached)}" if attached else "")
    return blocks.parsed(title=subject, attributes=fields)


def _contents(message: Message) -> tuple[list[str], list[str], list[str]]:
    """(plain bodies, HTML bodies, names of attachments)."""
    plain: list[str] = []
    html: list[str] = []
    attached: list[str] = []
    for part in _parts(message):
        kind = part.get_content_type()
        name = _file_name(part)
        if name or part.get_content_disposition() == "attachment":
            attached.append(name or kind)
        elif kind == "text/html":
            html.append(_body(part))
        elif kind in {"text/plain", "text/enriched"}:
            plain.append(_body(part))
    return plain, html, attached


def _parts(message: Message) -> Iterator[Message]:
    """Leaves of the message, at most 1,000; a forwarded message attached whole is read with it."""
    pending: list[Message] = [message]
    for _ in range(MAX_PARTS):
        if not pending:
            return
        part = pending.pop()
        payload = part.get_payload()
        if isinstance(payload, list):
            pending.extend(reversed([inner for inner in payload if isinstance(inner, Message)]))
        else:
            yield part
    if pending:
        raise DocumentFailure(FailureCode.TOO_LARGE, told("more than {most} parts", most=f"{MAX_PARTS:,}"))


def _body(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = part.get_param("charset", "")
    if payload and b"\x00" in payload[:64] and not str(charset).lower().startswith("utf-16"):
        payload = payload.replace(b"\x00", b"")
    declared = known_encoding(charset) if isinstance(charset, str) else ""
    if declared and declared not in {"utf-8", "ascii"}:
        return payload.decode(declared, "replace")
    try:
        return decode(payload)
    except DocumentFailure:
        return payload.decode("utf-8", "replace")


def _header(message: Message, name: str) -> str:
    """A header in words: encoded words and raw eight-bit text decoded."""
    try:
        raw = message.get(name, "")
        pieces = decode_header(_FOLDED.sub(" ", raw)) if isinstance(raw, str) else decode_header(raw)
    except (ValueError, LookupError, TypeError):
        return one_line(str(message.get(name, "")))
    return one_line("".join(_piece(text, charset) for text, charset in pieces))


def _piece(text: bytes | str, charset: str | None) -> str:
    if isinstance(text, str):
        # Raw eight-bit headers come with their bytes as lone surrogates.
        return decode(text.encode("utf-8", "surrogateescape")) if not text.isascii() else text
    encoding = known_encoding(charset or "")
    return text.decode(encoding, "replace") if encoding else decode(text)


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename("")
        pieces = decode_header(str(name)) if name else []
    except (ValueError, LookupError, TypeError, UnicodeError):
        return one_line(str(part.get_param("name", "") or ""))
    return one_line("".join(_piece(text, charset) for text, charset in pieces))


def _date(text: str) -> str:
    try:
        return parsedate_to_datetime(text).isoformat(sep=" ", timespec="minutes")
    except (ValueError, TypeError, IndexError, OverflowError):
        return text


def _add_html(blocks: BlockList, markup: str) -> None:
    try:
        inner = parse_markup(markup).blocks
    except DocumentFailure as failure:
        if failure.code is FailureCode.NO_TEXT:
            return
        raise
    for block in inner:
        _add(blocks, block)


def _add(blocks: BlockList, block: Block) -> None:
    if block.kind is BlockKind.HEADING:
        blocks.heading(block.text, level=block.level + 1)
    elif block.kind is BlockKind.TABLE:
        blocks.table([line.split("\t") for line in block.text.split("\n")])
    elif block.kind is BlockKind.CODE:
        blocks.code(block.text)
    elif block.kind is BlockKind.ITEM:
        blocks.item(block.text)
    else:
        blocks.paragraph(block.text)
