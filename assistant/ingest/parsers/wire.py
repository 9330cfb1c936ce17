"""How a document travels between the parser process and its parent: JSON frames, never pickles.

A frame is four bytes of length, big-endian, then UTF-8 JSON. What comes from the
child is checked field by field: a hostile file may have taken the child over.
"""

from __future__ import annotations

import json
import struct

from assistant.common.types import Json, JsonObject
from assistant.ingest.parsers.blocks import HEADING_LEVELS, MAX_BLOCKS, MAX_CHARACTERS, is_clean
from assistant.ingest.parsers.contract import Block, BlockKind, Parsed, PlaceKind

LENGTH = struct.Struct(">I")
MAX_FRAME = 400_000_000
_BLOCK_FIELDS = 4


class FrameError(ValueError):
    """The other side sent something that is no message."""


def encode(message: JsonObject) -> bytes:
    """A frame."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return LENGTH.pack(len(body)) + body


def decode(body: bytes) -> dict[str, Json]:
    """The message of a frame's body.

    Raises:
        FrameError: not a JSON object.
    """
    try:
        message: Json = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FrameError("not JSON") from error
    if not isinstance(message, dict):
        raise FrameError("not an object")
    return message


def parsed_to_json(parsed: Parsed) -> dict[str, Json]:
    """A document as JSON."""
    return {
        "title": parsed.title,
        "place_kind": parsed.place_kind.value,
        "attributes": dict(parsed.attributes),
        "blocks": [[block.kind.value, block.text, block.level, block.place] for block in parsed.blocks],
    }


def parsed_from_json(value: Json) -> Parsed:
    """A document from JSON that nobody vouches for.

    Raises:
        FrameError: a field is missing, of another type, out of range or holds forbidden characters.
    """
    if not isinstance(value, dict):
        raise FrameError("the document is no object")
    blocks, attributes = value.get("blocks"), value.get("attributes")
    if not isinstance(blocks, list) or not isinstance(attributes, dict) or len(blocks) > MAX_BLOCKS:
        raise FrameError("blocks or attributes are missing")
    parsed = Parsed(
        title=_text(value.get("title")),
        blocks=tuple(_block(block) for block in blocks),
        place_kind=PlaceKind(_one_of(value.get("place_kind"), {kind.value for kind in PlaceKind})),
        attributes={_text(key): _text(text) for key, text in attributes.items()},
    )
    if not parsed.blocks or sum(len(block.text) for block in parsed.blocks) > MAX_CHARACTERS:
        raise FrameError("no text or too much")
    return parsed


def _block(value: Json) -> Block:
    if not isinstance(value, list) or len(value) != _BLOCK_FIELDS:
        raise FrameError("a block has the wrong shape")
    kind, text, level, place = value
    if not isinstance(level, int) or not 0 <= level <= HEADING_LEVELS or text == "":
        raise FrameError("a block's level or text is wrong")
    return Block(
        BlockKind(_one_of(kind, {kind.value for kind in BlockKind})), _text(text), level, _text(place)
    )


def _text(value: Json) -> str:
    if not isinstance(value, str) or not is_clean(value):
        raise FrameError("a text is missing or not clean")
    return value


def _one_of(value: Json, allowed: set[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise FrameError("an unknown kind")
    return value
