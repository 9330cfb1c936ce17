"""The question for one file's security descriptor, packed with as little work as can be.

Every run asks it about every file, and the library packs each field of each message by
itself. Of the three messages (open, query, close) only the path differs from file to file, so
the library packs them once and the path is put in (MS-SMB2 2.2.13, 2.2.37, 2.2.15).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from smbprotocol.file_info import InfoType
from smbprotocol.header import Commands
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    ShareAccess,
    SMB2CloseRequest,
    SMB2CreateRequest,
    SMB2QueryInfoRequest,
)

ANY_SHARING = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE
# With the right to make backups, what is closed to the account can still be listed and read.
AS_IT_IS = CreateOptions.FILE_OPEN_REPARSE_POINT | CreateOptions.FILE_OPEN_FOR_BACKUP_INTENT
MOST_BYTES = 65_536  # of a descriptor
# Owner, group and access list, and from the rest only the mark of a central policy (MS-DTYP 2.4.7).
_PARTS = 0x01 | 0x02 | 0x04 | 0x40
_OPENED_BEFORE = b"\xff" * 16  # the file that the first of the related messages opens
_NAME_LENGTH, _AFTER_LENGTH, _NAME = 46, 48, 56  # offsets in the request to open
_LONGEST_NAME = 0xFFFF


@dataclass(frozen=True, slots=True)
class Packed:
    """A message of which the connection needs no more than its bytes."""

    COMMAND: Commands
    data: bytes

    def __len__(self) -> int:
        return len(self.data)

    def pack(self) -> bytes:
        """The message without its header."""
        return self.data


def descriptor_question(path: str) -> list[Packed]:
    """Open the file as it is, ask for its descriptor, and close it. `path` below the share; empty: its root.

    Raises:
        ValueError: the path is longer than a request can hold, or no text.
    """
    name = path.encode("utf-16-le")
    if len(name) > _LONGEST_NAME:
        raise ValueError("the path is too long")
    start, query, close = _packed()
    length = len(name).to_bytes(2, "little")
    opening = start[:_NAME_LENGTH] + length + start[_AFTER_LENGTH:_NAME] + (name or b"\x00\x00")
    return [Packed(Commands.SMB2_CREATE, opening), query, close]


@cache
def _packed() -> tuple[bytes, Packed, Packed]:
    opening = SMB2CreateRequest()
    opening["impersonation_level"] = ImpersonationLevel.Impersonation
    opening["desired_access"] = FilePipePrinterAccessMask.READ_CONTROL
    opening["share_access"] = ANY_SHARING
    opening["create_disposition"] = CreateDisposition.FILE_OPEN
    opening["create_options"] = AS_IT_IS
    opening["buffer_path"] = b"\x00\x00"
    query = SMB2QueryInfoRequest()
    query["info_type"] = InfoType.SMB2_0_INFO_SECURITY
    query["output_buffer_length"] = MOST_BYTES
    query["additional_information"] = _PARTS
    query["file_id"] = _OPENED_BEFORE
    close = SMB2CloseRequest()
    close["file_id"] = _OPENED_BEFORE
    return opening.pack(), Packed(query.COMMAND, query.pack()), Packed(close.COMMAND, close.pack())
