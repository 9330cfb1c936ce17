"""What `<file>.metadata.json` says about its file, in the shape that Amazon's S3 connectors use.

`{"Title", "ContentType", "Attributes": {...}, "AccessControlList": [...]}`, each optional. It
may narrow who sees the file, so one that is not understood hides the file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime

from assistant.common.acl import Clause
from assistant.common.told import told
from assistant.common.types import Json, JsonObject
from connectors.sdk.amazon_acl import denies_first, parse_entries
from connectors.sdk.document_fields import attributes, moment, one_line, web_address
from connectors.sdk.exact_json import MalformedError, as_object, as_text, shown
from connectors.sdk.permission_words import sounds_like_permission

SUFFIX = ".metadata.json"
MAX_COMPANION_BYTES = 1_000_000

_MEDIA_TYPES = {
    "PDF": "application/pdf",
    "HTML": "text/html",
    "PLAIN_TEXT": "text/plain",
    "MD": "text/markdown",
    "CSV": "text/csv",
    "JSON": "application/json",
    "XML": "application/xml",
    "XSLT": "application/xslt+xml",
    "RTF": "application/rtf",
}  # MS_WORD, MS_EXCEL and PPT each name an old and a new format: there the file's name decides.


@dataclass(frozen=True, slots=True)
class Companion:
    """What a companion says. `clause` None: it has no access list. `fingerprint` leaves that list out."""

    title: str = ""
    url: str = ""
    media_type: str = ""
    modified: datetime | None = None
    attributes: JsonObject = field(default_factory=dict)
    clause: Clause | None = None
    fingerprint: str = ""


NO_COMPANION = Companion()


def parse_companion(value: Json) -> Companion:
    """The companion that this JSON stands for.

    Raises:
        MalformedError: a known key of the wrong shape, or an unknown one that sounds like a permission.
    """
    record = as_object(value, told("its content"))
    for key in record:
        if key != "AccessControlList" and sounds_like_permission(key):
            raise MalformedError(
                told("the key '{key}' is unknown: permissions stand in AccessControlList", key=shown(key))
            )
    listed = "AccessControlList" in record
    clause = denies_first(parse_entries(record["AccessControlList"], "AccessControlList")) if listed else None
    found = dict(attributes(record.get("Attributes", {}), "Attributes"))
    source = found.get("_source_uri")
    changed = found.get("_last_updated_at")
    return Companion(
        title=one_line(as_text(record.get("Title", ""), "Title")),
        url=web_address(as_text(source, "Attributes._source_uri")) if source is not None else "",
        media_type=_media_type(as_text(record.get("ContentType", ""), "ContentType")),
        modified=moment(changed, "Attributes._last_updated_at") if changed is not None else None,
        attributes=found,
        clause=clause,
        fingerprint=_fingerprint({key: record[key] for key in record if key != "AccessControlList"}),
    )


def _media_type(text: str) -> str:
    if "/" in text:
        return one_line(text).lower()
    return _MEDIA_TYPES.get(text, "")


def _fingerprint(record: JsonObject) -> str:
    text = json.dumps(record, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]
