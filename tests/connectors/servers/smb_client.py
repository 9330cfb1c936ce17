"""What a person does on a share with a client of their own: write, move, protect, and try to open."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from smbprotocol.connection import Connection
from smbprotocol.exceptions import SMBResponseException
from smbprotocol.file_info import (
    FileAttributes,
    FileDispositionInformation,
    FileRenameInformation,
    InfoType,
)
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
    SMB2QueryInfoRequest,
    SMB2QueryInfoResponse,
    SMB2SetInfoRequest,
)
from smbprotocol.session import Session
from smbprotocol.structure import Structure
from smbprotocol.tree import TreeConnect

from tests.connectors.servers.samba import PASSWORD

ALLOW, DENY = 0, 1
READ = 0x0012_0089
INHERITED = 0x10
TO_ALL_BELOW = 0x01 | 0x02  # to files and to folders
ONLY_BELOW = 0x08
_DENIED = 0xC000_0022
_GONE = (0xC000_0034, 0xC000_003A)
_ALL = 0x0200_0000  # as much as is granted
_SHARING = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE


@dataclass(frozen=True, slots=True)
class Written:
    """An entry of an access list as a test writes it."""

    type: int
    sid: str
    mask: int = READ
    flags: int = 0

    def packed(self) -> bytes:
        """As it lies on the wire."""
        body = struct.pack("<I", self.mask) + packed_sid(self.sid)
        return struct.pack("<BBH", self.type, self.flags, 4 + len(body)) + body


def packed_sid(sid: str) -> bytes:
    """A SID as it lies on the wire."""
    _, _, authority, *parts = sid.split("-")
    return struct.pack("<BB6s", 1, len(parts), int(authority).to_bytes(6, "big")) + struct.pack(
        f"<{len(parts)}I", *map(int, parts)
    )


def packed_descriptor(entries: Sequence[Written] | None, *, owner: str = "", control: int = 0) -> bytes:
    """A self-relative descriptor; `entries` None: one without an access list."""
    owner_bytes = packed_sid(owner) if owner else b""
    acl = b""
    if entries is not None:
        body = b"".join(entry.packed() for entry in entries)
        acl = struct.pack("<BBHHH", 2, 0, 8 + len(body), len(entries), 0) + body
    acl_at = 20 + len(owner_bytes) if acl else 0
    head = struct.pack("<BBHIIII", 1, 0, 0x8004 | control, 20 if owner else 0, 0, 0, acl_at)
    return head + owner_bytes + acl


class SmbClient:
    """One person, signed in. Paths are written with `/`."""

    def __init__(self, port: int, user: str) -> None:
        self._connection = Connection(uuid.uuid4(), "127.0.0.1", port)
        self._connection.connect(timeout=10)
        session = Session(self._connection, user, PASSWORD, require_encryption=False, auth_protocol="ntlm")
        session.connect()
        self._tree = TreeConnect(session, r"\\127.0.0.1\docs")
        self._tree.connect()

    def close(self) -> None:
        """Sign out."""
        self._connection.disconnect()

    def write(self, path: str, text: str) -> None:
        """A file with this text, whatever was there; its access list stays."""
        opened = self._open(path, _ALL, CreateDisposition.FILE_OVERWRITE_IF, file=True)
        if text:
            opened.write(text.encode())
        opened.close()

    def make_folder(self, path: str) -> None:
        """The folder, unless it is there."""
        self._open(path, _ALL, CreateDisposition.FILE_OPEN_IF, folder=True).close()

    def remove(self, path: str) -> None:
        """Remove a file or an empty folder."""
        opened = self._open(path, FilePipePrinterAccessMask.DELETE)
        removal = FileDispositionInformation()
        removal["delete_pending"] = True
        self._set(opened, InfoType.SMB2_0_INFO_FILE, removal.INFO_CLASS, 0, removal)
        opened.close()

    def rename(self, old: str, new: str) -> None:
        """Rename or move; access lists stay as they are."""
        opened = self._open(old, FilePipePrinterAccessMask.DELETE)
        target = FileRenameInformation()
        target["file_name"] = new.replace("/", "\\").encode("utf-16-le")
        self._set(opened, InfoType.SMB2_0_INFO_FILE, target.INFO_CLASS, 0, target)
        opened.close()

    def protect(self, path: str, entries: Sequence[Written] | None, *, owner: str = "") -> None:
        """Give a file or folder exactly this access list, and an owner if one is named."""
        access = FilePipePrinterAccessMask.WRITE_DAC | FilePipePrinterAccessMask.WRITE_OWNER
        opened = self._open(path, access)
        descriptor = packed_descriptor(entries, owner=owner, control=0x1000)
        self._set(opened, InfoType.SMB2_0_INFO_SECURITY, 0, 0x04 | (0x01 if owner else 0), descriptor)
        opened.close()

    def descriptor(self, path: str) -> bytes:
        """The security descriptor as the server gives it."""
        opened = self._open(path, FilePipePrinterAccessMask.READ_CONTROL)
        query = SMB2QueryInfoRequest()
        query["info_type"] = InfoType.SMB2_0_INFO_SECURITY
        query["output_buffer_length"] = 65_536
        query["additional_information"] = 0x07
        query["file_id"] = opened.file_id
        answer = SMB2QueryInfoResponse()
        answer.unpack(self._ask(query))
        opened.close()
        return bytes(answer["buffer"].get_value())

    def may_read(self, path: str) -> bool:
        """Whether the server opens the file to this person for reading its data."""
        try:
            self._open(path, FilePipePrinterAccessMask.FILE_READ_DATA, file=True).close()
        except SMBResponseException as error:
            if error.status in (_DENIED, *_GONE):
                return False
            raise
        return True

    def _open(
        self,
        path: str,
        access: int,
        disposition: int = CreateDisposition.FILE_OPEN,
        *,
        file: bool = False,
        folder: bool = False,
    ) -> Open:
        opened = Open(self._tree, path.replace("/", "\\"))
        options = CreateOptions.FILE_NON_DIRECTORY_FILE if file else 0
        if folder:
            options = CreateOptions.FILE_DIRECTORY_FILE
        kind = FileAttributes.FILE_ATTRIBUTE_NORMAL if file else 0
        opened.create(ImpersonationLevel.Impersonation, access, kind, _SHARING, disposition, options)
        return opened

    def _set(self, opened: Open, kind: int, information: int, more: int, content: Structure | bytes) -> None:
        request = SMB2SetInfoRequest()
        request["info_type"] = kind
        if information:
            request["file_info_class"] = information
        request["additional_information"] = more
        request["file_id"] = opened.file_id
        request["buffer"] = content if isinstance(content, bytes) else content.pack()
        self._ask(request)

    def _ask(self, message: Structure) -> bytes:
        session = self._tree.session
        request = session.connection.send(message, session.session_id, self._tree.tree_connect_id)
        return bytes(session.connection.receive(request, timeout=10)["data"].get_value())
