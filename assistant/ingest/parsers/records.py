"""JSON as readable lines, `path: value`; one paragraph for each record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.common.types import Json
from assistant.ingest.parsers.blocks import BlockList, clean, honest_title
from assistant.ingest.parsers.contract import Parsed
from assistant.ingest.parsers.decoding import read_text

MAX_DEPTH = 64
_TITLE_KEYS = ("title", "name", "subject", "제목")
_LONG_TEXT = 200


def parse(path: Path) -> Parsed:
    """Parse one JSON value; several values on separate lines are taken too."""
    text = clean(read_text(path))
    try:
        value: Json = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return _parse_lines(text)
        raise DocumentFailure(
            FailureCode.CORRUPT,
            told("not JSON: {problem} at line {line}", problem=error.msg, line=error.lineno),
        ) from error
    except RecursionError as error:
        raise DocumentFailure(FailureCode.CORRUPT, told("nested too deeply")) from error
    blocks = BlockList()
    _add(blocks, value)
    return blocks.parsed(title=_title(value))


def parse_lines(path: Path) -> Parsed:
    """Parse one JSON value a line."""
    return _parse_lines(clean(read_text(path)))


def _parse_lines(text: str) -> Parsed:
    blocks = BlockList()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value: Json = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise DocumentFailure(
                FailureCode.CORRUPT, told("line {number} is not JSON", number=number)
            ) from error
        _add_record(blocks, value, "")
    return blocks.parsed()


def _add(blocks: BlockList, value: Json) -> None:
    """One paragraph for each record of a list of records, and for each part of an object."""
    if isinstance(value, list):
        for index, record in enumerate(value):
            _add_record(blocks, record, "" if isinstance(record, dict) else f"[{index}]")
        return
    if not isinstance(value, dict):
        _add_record(blocks, value, "")
        return
    plain = {key: part for key, part in value.items() if not isinstance(part, dict | list)}
    _add_record(blocks, plain, "")
    for key, part in value.items():
        if isinstance(part, list) and part and all(isinstance(record, dict) for record in part):
            for index, record in enumerate(part):
                _add_record(blocks, record, f"{key}[{index}]")
        elif isinstance(part, dict | list):
            _add_record(blocks, part, key)


def _add_record(blocks: BlockList, value: Json, path: str) -> None:
    short: list[str] = []
    for name, text in _leaves(value, path, 0):
        line = f"{name}: {text}" if name else text
        if len(text) > _LONG_TEXT:
            blocks.paragraph("\n".join(short))
            blocks.paragraph(line)
            short = []
        else:
            short.append(line)
    blocks.paragraph("\n".join(short))


def _leaves(value: Json, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """(path, text) of every value that is not a container; a list of plain values stays on one line."""
    if depth > MAX_DEPTH:
        raise DocumentFailure(
            FailureCode.CORRUPT, told("nested more than {most} levels deep", most=MAX_DEPTH)
        )
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list):
        if not any(isinstance(part, dict | list) for part in value):
            joined = ", ".join(shown for part in value if (shown := _shown(part)))
            if joined:
                yield path, joined
            return
        for index, part in enumerate(value):
            yield from _leaves(part, f"{path}[{index}]", depth + 1)
    elif shown := _shown(value):
        yield path, shown


def _shown(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _title(value: Json) -> str:
    if not isinstance(value, dict):
        return ""
    titles = (value.get(key) for key in _TITLE_KEYS)
    return next((honest_title(title) for title in titles if isinstance(title, str) and title.strip()), "")
