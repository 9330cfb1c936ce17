"""What bytes of a text file say: encodings, with Korean legacy files in mind."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.os_reasons import os_reason
from assistant.common.told import told

MAX_TEXT_BYTES = 80_000_000
_SAMPLE = 65_536
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What senders call Korean, and the superset that reads all of it.
_KOREAN_NAMES = {
    "euc-kr",
    "euc_kr",
    "ks_c_5601-1987",
    "ks_c_5601",
    "ksc5601",
    "ks_c_5601-1989",
    "cp949",
    "ms949",
    "uhc",
}
_MIN_HANGUL = 4
_MANY_ZEROS, _FEW_ZEROS = 0.2, 0.02  # shares of the bytes in even or odd places
_FEW_CONTROLS, _MOST_CONTROLS = 2, 0.02  # a number, and a share of the bytes
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_COMMON_HANGUL = frozenset("이다는에의을가고하지로를은한기사도시자정어리대인과일서수나부스보전상있장여으해제")


def read_bytes(path: Path) -> bytes:
    """All bytes of a text file.

    Raises:
        DocumentFailure: TOO_LARGE, or UNREADABLE.
    """
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise DocumentFailure(
                FailureCode.TOO_LARGE,
                told("a text file of more than {most} bytes", most=f"{MAX_TEXT_BYTES:,}"),
            )
        return path.read_bytes()
    except OSError as error:
        raise DocumentFailure(FailureCode.UNREADABLE, os_reason(error) or told("cannot be opened")) from error


def read_text(path: Path) -> str:
    """The file's text, whatever its encoding.

    Raises:
        DocumentFailure: TOO_LARGE, UNREADABLE, or MISLABELLED where the bytes are no text.
    """
    return decode(read_bytes(path))


def decode(data: bytes, declared: str = "") -> str:
    """Text of bytes, by byte order mark, UTF-8, the declared encoding, then by likelihood.

    Raises:
        DocumentFailure: MISLABELLED where the bytes are no text in any encoding.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, "replace").removeprefix("\ufeff")
    utf16 = _unmarked_utf16(data[:_SAMPLE])
    if utf16:
        return data.decode(utf16, "replace")
    if not is_text(data):
        raise DocumentFailure(FailureCode.MISLABELLED, told("the content is binary, not text"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if (encoding := known_encoding(declared)) and encoding != "utf-8":
        return data.decode(encoding, "replace")
    if _is_utf8_but_cut(data):
        return data.decode("utf-8", "replace")
    return data.decode(_likely_encoding(data), "replace")


def known_encoding(name: str) -> str:
    """The codec for a declared charset, or nothing."""
    name = name.strip().strip("\"'").lower()
    if name in _KOREAN_NAMES:
        return "cp949"
    try:
        info = codecs.lookup(name) if name else None
    except (LookupError, ValueError):
        return ""
    # Codecs such as "hex" or "rot13" are not text encodings.
    return info.name if info is not None and getattr(info, "_is_text_encoding", True) else ""


def is_text(data: bytes) -> bool:
    """Whether the start of the bytes reads as text of an 8-bit encoding."""
    sample = data[:_SAMPLE]
    return len(_CONTROL.findall(sample)) <= _FEW_CONTROLS + len(sample) * _MOST_CONTROLS


def _unmarked_utf16(sample: bytes) -> str:
    """UTF-16 without a mark: the zeros stand in even or in odd places only, as in Western text."""
    pairs = len(sample) // 2
    if pairs < _MIN_HANGUL:
        return ""
    even, odd = sample[0::2].count(0) / pairs, sample[1::2].count(0) / pairs
    if odd > _MANY_ZEROS and even < _FEW_ZEROS:
        return "utf-16-le"
    if even > _MANY_ZEROS and odd < _FEW_ZEROS:
        return "utf-16-be"
    return ""


def _is_utf8_but_cut(data: bytes) -> bool:
    """UTF-8 with a few broken bytes is still UTF-8, not Latin-1."""
    text = data[:_SAMPLE].decode("utf-8", "replace")
    broken = text.count("\ufffd")
    good = sum(1 for character in text if not character.isascii()) - broken
    return good > broken * 4


def _likely_encoding(data: bytes) -> str:
    sample = data[:_SAMPLE]
    korean = sample.decode("cp949", "replace")
    hangul = [character for character in korean if "가" <= character <= "힣"]
    high = sum(1 for character in korean if not character.isascii())
    broken = korean.count("\ufffd")
    common = sum(1 for character in hangul if character in _COMMON_HANGUL)
    # Western text read as CP949 gives rare syllables; Korean text gives mostly common ones.
    if (
        len(hangul) >= _MIN_HANGUL
        and broken * 20 <= len(hangul)
        and len(hangul) * 2 >= high
        and common * 5 >= len(hangul)
    ):
        return "cp949"
    from charset_normalizer import from_bytes  # noqa: PLC0415

    best = from_bytes(sample).best()
    return known_encoding(best.encoding) or "cp1252" if best is not None else "cp1252"
