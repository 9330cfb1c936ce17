"""Which segments make up the index: one small checksummed file, replaced at once and last."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from assistant.common.errors import IndexDamaged, UsageError
from assistant.common.types import Json
from assistant.index.durable import replace_file

FORMAT = 2
_FILE = "manifest.json"
_SEGMENTS = "segments"


@dataclass(frozen=True, slots=True)
class FileSum:
    """What a file of a segment must be."""

    name: str
    size: int  # bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A published segment. `name` is its folder and never used twice."""

    name: str
    chunks: int
    documents: int
    files: tuple[FileSum, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole state of an index: whose vectors they are, and in which segments."""

    model: str
    dimension: int
    segments: tuple[SegmentEntry, ...] = ()

    def refuse_other_model(self, model: str, dimension: int) -> None:
        """Raise UsageError unless the index holds vectors of this model."""
        if (self.model, self.dimension) != (model, dimension):
            raise UsageError(
                f"The index holds vectors of {self.model} ({self.dimension} components), but {model} "
                f"({dimension} components) is configured. Configure the former model or rebuild the index."
            )


def segments_folder(root: Path) -> Path:
    """Where the folders of the segments lie."""
    return root / _SEGMENTS


def manifest_bytes(root: Path) -> bytes | None:
    """The manifest as stored, None for an index that was never written.

    Raises:
        IndexDamaged: it is gone though segments are there.
    """
    path = root / _FILE
    for _ in range(2):  # the second look: a first writer may just have put it there
        try:
            return path.read_bytes()
        except FileNotFoundError:
            if not _has_segments(root):
                return None
    raise IndexDamaged(f"The index manifest {path} is missing. Rebuild the index from the database.")


def parse_manifest(stored: bytes, *, root: Path) -> Manifest:
    """The manifest in these bytes.

    Raises:
        IndexDamaged: the bytes fail their checksum.
    """
    try:
        body = json.loads(stored)["body"]
        if stored != _sealed(body):  # to the last byte, blanks between the values included
            raise ValueError("checksum")
        return _manifest(body)
    except (ValueError, KeyError, TypeError) as error:
        raise IndexDamaged(
            f"The index manifest {root / _FILE} fails its checksum or is of another format. "
            "Rebuild the index from the database."
        ) from error


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Publish a manifest durably."""
    replace_file(root / _FILE, _sealed({"format": FORMAT} | asdict(manifest)))


def _manifest(body: dict[str, Json]) -> Manifest:
    if body["format"] != FORMAT:
        raise ValueError("format")
    segments = body["segments"]
    assert isinstance(segments, list)
    return Manifest(
        model=str(body["model"]),
        dimension=int(str(body["dimension"])),
        segments=tuple(
            SegmentEntry(
                name=entry["name"],
                chunks=entry["chunks"],
                documents=entry["documents"],
                files=tuple(FileSum(**file) for file in entry["files"]),
            )
            for entry in segments
        ),
    )


def _sealed(body: Json) -> bytes:
    """The one way in which a body and its checksum are stored."""
    checksum = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return json.dumps({"body": body, "sha256": checksum}, indent=0).encode()


def _has_segments(root: Path) -> bool:
    folder = segments_folder(root)
    return folder.is_dir() and any(folder.iterdir())
