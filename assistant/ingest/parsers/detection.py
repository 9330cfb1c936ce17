"""What a file really is, judged by its first bytes and, for zip containers, by its members.

Nothing is unpacked before its size and number of members are known to be harmless.
"""

from __future__ import annotations

import codecs
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.os_reasons import os_reason
from assistant.common.told import told

HEAD = 4_096
MAX_MEMBERS = 20_000
MAX_UNPACKED = 1_000_000_000
MAX_XML_MEMBER = 200_000_000
MAX_RATIO = 400  # only for members that are large when unpacked
RATIO_MATTERS_FROM = 20_000_000

_OLE = told("an OLE container")
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", told("a PDF document")),
    (b"PK\x03\x04", told("a zip archive")),
    (b"PK\x05\x06", told("a zip archive")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
    (b"\x89PNG\r\n\x1a\n", told("a PNG image")),
    (b"\xff\xd8\xff", told("a JPEG image")),
    (b"GIF87a", told("a GIF image")),
    (b"GIF89a", told("a GIF image")),
    (b"II*\x00", told("a TIFF image")),
    (b"MM\x00*", told("a TIFF image")),
    (b"BM\x00", told("a bitmap image")),
    (b"\x97JB2\r\n\x1a\n", told("a JBIG2 image")),
    (b"RIFF", told("a RIFF media file")),
    (b"OggS", told("an Ogg media file")),
    (b"ID3", told("an MP3 file")),
    (b"\x1f\x8b", told("a gzip archive")),
    (b"BZh", told("a bzip2 archive")),
    (b"\xfd7zXZ\x00", told("an xz archive")),
    (b"7z\xbc\xaf\x27\x1c", told("a 7z archive")),
    (b"Rar!\x1a\x07", told("a RAR archive")),
    (b"\x7fELF", told("a program")),
    (b"MZ\x90\x00", told("a program")),
    (b"{\\rtf", told("a rich text document")),
    (b"SQLite format 3\x00", told("a database")),
    (b"%!PS", told("a PostScript document")),
)
_PDF_SEARCH = 1_024
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_OLE_DIRECTORY_SEARCH = 64_000_000

# The folder in which each kind of Office file keeps its main part, and what such a file is called.
OFFICE_FOLDERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "docx": ("word/", told("a Word document")),
        "pptx": ("ppt/", told("a PowerPoint presentation")),
        "xlsx": ("xl/", told("an Excel workbook")),
    }
)


def read_head(path: Path) -> bytes:
    """The first bytes of the file.

    Raises:
        DocumentFailure: EMPTY, or UNREADABLE.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise DocumentFailure(FailureCode.UNREADABLE, os_reason(error) or told("cannot be opened")) from error
    if not head:
        raise DocumentFailure(FailureCode.EMPTY, told("the file has no bytes"))
    return head


def kind_of(head: bytes) -> str:
    """What the first bytes say the file is, in words, or nothing for text and the unknown."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[4:8] == b"ftyp":
        return told("an MP4 media file")
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return told("an HTML page") if start.startswith((b"<!doctype html", b"<html")) else ""


def require_text(head: bytes) -> None:
    """Refuse what is plainly another kind of file.

    Raises:
        DocumentFailure: MISLABELLED.
    """
    kind = kind_of(head)
    if kind and kind != "an HTML page":
        raise DocumentFailure(FailureCode.MISLABELLED, told("the content is {kind}, not text", kind=kind))


def require_pdf(head: bytes) -> None:
    """Refuse what does not begin like a PDF; a little rubbish before the mark is common.

    Raises:
        DocumentFailure: MISLABELLED, or CORRUPT where it is nothing known.
    """
    if b"%PDF-" in head[:_PDF_SEARCH]:
        return
    kind = kind_of(head)
    if kind:
        raise DocumentFailure(
            FailureCode.MISLABELLED, told("the content is {kind}, not a PDF document", kind=kind)
        )
    if _is_utf8(head):
        raise DocumentFailure(FailureCode.MISLABELLED, told("the content is text, not a PDF document"))
    raise DocumentFailure(FailureCode.CORRUPT, told("the PDF mark is missing"))


def _is_utf8(head: bytes) -> bool:
    """Whether the bytes are text; the last character may be cut."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return "\x00" not in text


def require_office(path: Path, head: bytes, format_name: str) -> None:
    """Refuse what is not an Office file of this format, or not safe to unpack.

    Raises:
        DocumentFailure: ENCRYPTED, MISLABELLED, CORRUPT, or TOO_LARGE.
    """
    folder, wanted = OFFICE_FOLDERS[format_name]
    kind = kind_of(head)
    if kind == _OLE:
        if has_encrypted_package(path):
            raise DocumentFailure(FailureCode.ENCRYPTED, told("the file is protected by a password"))
        raise DocumentFailure(
            FailureCode.MISLABELLED,
            told("the content is an older Office format, not {wanted}", wanted=wanted),
        )
    if kind != "a zip archive":
        if kind or b"\x00" not in head:
            raise DocumentFailure(
                FailureCode.MISLABELLED,
                told("the content is {kind}, not {wanted}", kind=kind or told("text"), wanted=wanted),
            )
        raise DocumentFailure(FailureCode.CORRUPT, told("the zip mark is missing"))
    names = safe_members(path)
    if any(name.startswith(folder) for name in names):
        return
    other = next(
        (label for start, label in OFFICE_FOLDERS.values() if any(n.startswith(start) for n in names)), ""
    )
    raise DocumentFailure(
        FailureCode.MISLABELLED,
        told("the content is {kind}, not {wanted}", kind=other or told("another zip archive"), wanted=wanted),
    )


def has_encrypted_package(path: Path) -> bool:
    """Whether an OLE container carries an encrypted Office file."""
    with path.open("rb") as file:
        return _ENCRYPTED_PACKAGE in file.read(_OLE_DIRECTORY_SEARCH)


def office_format(path: Path) -> str:
    """The Office format of a zip archive by its members, or nothing."""
    names = safe_members(path)
    return next(
        (f for f, (folder, _) in OFFICE_FOLDERS.items() if any(n.startswith(folder) for n in names)), ""
    )


def safe_members(path: Path) -> frozenset[str]:
    """Names of a zip archive's members, once its sizes and its XML are known to be harmless.

    Raises:
        DocumentFailure: CORRUPT, ENCRYPTED, or TOO_LARGE.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_sizes(members)
            for member in members:
                if member.filename.endswith((".xml", ".rels", ".vml")):
                    _check_xml_start(archive, member)
            return frozenset(member.filename.lstrip("/") for member in members)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise DocumentFailure(
            FailureCode.CORRUPT, told("the zip container is damaged or cut short")
        ) from error


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise DocumentFailure(
            FailureCode.TOO_LARGE, told("a zip container of {count} members", count=f"{len(members):,}")
        )
    if sum(member.file_size for member in members) > MAX_UNPACKED:
        raise DocumentFailure(
            FailureCode.TOO_LARGE, told("unpacks to more than {most} bytes", most=f"{MAX_UNPACKED:,}")
        )
    for member in members:
        if member.flag_bits & 1:
            raise DocumentFailure(FailureCode.ENCRYPTED, told("members of the zip container need a password"))
        large = member.file_size > RATIO_MATTERS_FROM and member.file_size > MAX_RATIO * member.compress_size
        if large or (member.filename.endswith(".xml") and member.file_size > MAX_XML_MEMBER):
            raise DocumentFailure(
                FailureCode.TOO_LARGE,
                told("one member unpacks to {size} bytes", size=f"{member.file_size:,}"),
            )


def _check_xml_start(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Office XML has no document type; where there is one, somebody tries entity expansion."""
    with archive.open(member) as file:
        start = file.read(1_024).replace(b"\x00", b"").upper()
    if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
        raise DocumentFailure(
            FailureCode.CORRUPT, told("its XML declares entities, which Office files never do")
        )
