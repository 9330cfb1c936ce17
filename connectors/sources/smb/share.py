"""One share of one SMB server: list a folder, read a descriptor, read a file.

Nothing here judges. Links are never followed: neither by the server's hint nor by this
client. The connection goes to a permitted address; the sign-in is by NTLM and names the
server by its name, so that no other machine is asked. Messages are signed, and
encrypted where the server can.
"""

from __future__ import annotations

import logging
import struct
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from smbprotocol.connection import Connection, Request
from smbprotocol.exceptions import SMBConnectionClosed, SMBException, SMBResponseException
from smbprotocol.file_info import FileInformationClass
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    QueryDirectoryFlags,
    SMB2CreateResponse,
    SMB2QueryDirectoryResponse,
    SMB2QueryInfoResponse,
    SMB2ReadResponse,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.network import HostUnreachable
from assistant.common.told import told
from connectors.sdk.errors import Reconfigure, Retry
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import network_errors
from connectors.sources.smb.folder import Listed, entries_in
from connectors.sources.smb.question import ANY_SHARING, AS_IT_IS, descriptor_question
from connectors.sources.smb.refusals import (
    BUFFER_OVERFLOW,
    END_OF_FILE,
    NO_MORE_FILES,
    NO_SUCH_FILE,
    Refused,
    run_error,
)

# Two lines a request, with the names of files; a message that it cannot decode is an error of ours below.
for _library in ("smbprotocol", "spnego"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)

_TIMEOUT_S = 30
# What smbprotocol raises for a connection that ended, and for answers that are none.
_BROKEN = (SMBException, OSError, ValueError, LookupError, struct.error)
_RETRY_AFTER_S = 60.0
_BLOCK = 65_536
_BLOCKS_AT_ONCE = 4
_DESCRIPTORS_AT_ONCE = 16
_MESSAGES_A_DESCRIPTOR = 3
_CREDITS = 4 * _DESCRIPTORS_AT_ONCE * _MESSAGES_A_DESCRIPTOR
_MOST_ENTRIES = 1_000_000  # of one folder
_MOST_PIPED_BYTES = 1_000_000  # of one answer through a pipe


@dataclass(frozen=True, slots=True)
class Place:
    """Where the share is and who asks. `user` may hold a domain, as DOMAIN\\user."""

    server: str
    share: str
    user: str
    password: str
    port: int = 445

    def __repr__(self) -> str:
        return f"Place({self.server!r}, {self.share!r})"


class Share:
    """A connection to one share, made when first needed. One request at a time; threads wait."""

    def __init__(self, place: Place, surroundings: Surroundings) -> None:
        self._place = place
        self._surroundings = surroundings
        self._lock = threading.Lock()
        self._trees: dict[str, TreeConnect] = {}
        self._connection: Connection | None = None
        self._session: Session | None = None

    def close(self) -> None:
        """Sign out and close the connection."""
        with self._lock:
            self._drop(politely=True)

    def list_folder(self, path: str) -> list[Listed]:
        """What lies in the folder, in no order, without itself and its parent.

        Raises:
            Refused: the server does not list it.
            ConnectorError: it does not answer as it should.
        """
        with self._asking(self._place.share) as tree:
            access = FilePipePrinterAccessMask.FILE_READ_DATA | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES
            with self._opened(tree, path, access, CreateOptions.FILE_DIRECTORY_FILE) as handle:
                entries = list(self._entries(tree, handle))
        return [entry for entry in entries if entry.name not in (".", "..")]

    def descriptors(self, paths: Sequence[str]) -> list[bytes | Refused]:
        """The security descriptor of each file or folder, or what the server says instead.

        As many questions are under way at once as the server has given credits for, so that it reads
        the next descriptor while we look at the last.

        Raises:
            ConnectorError: the server does not answer as it should.
        """
        answers: list[bytes | Refused] = []
        for start in range(0, len(paths), _DESCRIPTORS_AT_ONCE):
            answers += self._descriptors_together(paths[start : start + _DESCRIPTORS_AT_ONCE])
        return answers

    def _descriptors_together(self, paths: Sequence[str]) -> list[bytes | Refused]:
        answers: list[bytes | Refused] = []
        with self._asking(self._place.share, requests=len(paths)) as tree:
            connection = tree.session.connection
            while len(answers) < len(paths):
                credit = connection.sequence_window["high"] - connection.sequence_window["low"]
                together = max(1, credit // _MESSAGES_A_DESCRIPTOR)
                part = paths[len(answers) : len(answers) + together]
                asked = [self._sent(tree, descriptor_question(path)) for path in part]
                answers += [_descriptor_in(connection, requests) for requests in asked]
        return answers

    def read(self, path: str, *, limit: int) -> bytes:
        """The whole content of a file.

        Raises:
            DocumentFailure: it is larger than `limit` bytes.
            Refused: the account may not read it, it is locked or gone.
            ConnectorError: the server does not answer as it should.
        """
        data = bytearray()
        with self._asking(self._place.share) as tree:
            access = FilePipePrinterAccessMask.FILE_READ_DATA
            with self._opened(tree, path, access, CreateOptions.FILE_NON_DIRECTORY_FILE) as handle:
                while block := self._block(tree, handle, len(data)):
                    data += block
                    if len(data) > limit:
                        detail = told("The file is larger than {limit} bytes.", limit=limit)
                        raise DocumentFailure(FailureCode.TOO_LARGE, detail)
        return bytes(data)

    def converse(self, pipe: str, messages: list[bytes], *, enough: Callable[[bytes], bool]) -> list[bytes]:
        """Send messages through a named pipe of the server, and read the answer to each until it is `enough`.

        Raises:
            Refused: the account may not use the pipe.
            ConnectorError: the server does not answer as it should.
        """
        answers = []
        access = FilePipePrinterAccessMask.FILE_READ_DATA | FilePipePrinterAccessMask.FILE_WRITE_DATA
        with self._asking("IPC$") as tree, self._opened(tree, pipe, access, 0) as handle:
            for message in messages:
                write, _ = handle.write(message, send=False)
                self._ask(tree, [write])
                answer = b""
                while not enough(answer):
                    block = self._block(tree, handle, 0)
                    answer += block
                    if not block or len(answer) > _MOST_PIPED_BYTES:
                        server = self._place.server
                        broken = told(
                            "The server '{server}' gives no whole answer on '{pipe}'.",
                            server=server,
                            pipe=pipe,
                        )
                        raise Retry(broken, after=_RETRY_AFTER_S)
                answers.append(answer)
        return answers

    def _entries(self, tree: TreeConnect, handle: Open) -> Iterator[Listed]:
        kind = FileInformationClass.FILE_ID_FULL_DIRECTORY_INFORMATION
        flags = QueryDirectoryFlags.SMB2_RESTART_SCANS
        count = 0
        while True:
            query, _ = handle.query_directory("*", kind, flags=flags, max_output=_BLOCK, send=False)
            try:
                (data,) = self._ask(tree, [query])
            except Refused as refused:
                if refused.status in (NO_MORE_FILES, NO_SUCH_FILE):
                    return
                raise
            answer = SMB2QueryDirectoryResponse()
            answer.unpack(data)
            for entry in entries_in(bytes(answer["buffer"].get_value())):
                count += 1
                if count > _MOST_ENTRIES:
                    raise ValueError("the listing does not end")
                yield entry
            flags = 0

    def _block(self, tree: TreeConnect, handle: Open, offset: int) -> bytes:
        """The bytes from `offset` on, as many as come in one answer; none at the end."""
        connection = tree.session.connection
        length = min(_BLOCK * _BLOCKS_AT_ONCE, connection.max_read_size)
        read, _ = handle.read(offset, length, send=False)
        try:
            (data,) = self._ask(tree, [read], partial=True)
        except Refused as refused:
            if refused.status == END_OF_FILE:
                return b""
            raise
        answer = SMB2ReadResponse()
        answer.unpack(data)
        return bytes(answer["buffer"].get_value())

    @contextmanager
    def _opened(self, tree: TreeConnect, path: str, access: int, options: int) -> Iterator[Open]:
        handle = Open(tree, path)
        (data,) = self._ask(tree, [self._create(handle, access, options)])
        answer = SMB2CreateResponse()
        answer.unpack(data)
        handle.file_id = answer["file_id"].get_value()
        try:
            yield handle
        finally:
            close, _ = handle.close(send=False)
            self._ask(tree, [close])

    def _create(self, handle: Open, access: int, options: int) -> object:
        message, _ = handle.create(
            ImpersonationLevel.Impersonation,
            access,
            0,
            ANY_SHARING,
            CreateDisposition.FILE_OPEN,
            options | AS_IT_IS,
            send=False,
        )
        created: object = message
        return created

    def _ask(self, tree: TreeConnect, messages: list[object], *, partial: bool = False) -> list[bytes]:
        """The answers to messages that go out together, each meaning the file that the first opens.

        `partial`: the first part of an answer is one, as it is of a pipe.
        """
        return _answers(tree.session.connection, self._sent(tree, messages), partial=partial)

    def _sent(self, tree: TreeConnect, messages: Sequence[object]) -> list[Request]:
        connection, session = tree.session.connection, tree.session.session_id
        requests: list[Request] = connection.send_compound(
            messages, session, tree.tree_connect_id, related=len(messages) > 1
        )
        return requests

    @contextmanager
    def _asking(self, share: str, *, requests: int = 1) -> Iterator[TreeConnect]:
        """The share, connected; after anything but a plain refusal the connection is given up."""
        for _ in range(requests):
            self._surroundings.pace.turn(stopped=self._surroundings.stopped)
        with self._lock, network_errors():
            try:
                yield self._tree(share)
            except (Refused, DocumentFailure):
                raise
            except _BROKEN as error:
                self._drop(politely=False)
                kind = type(error).__name__
                message = told(
                    "The connection to '{server}' broke ({kind}).", server=self._place.server, kind=kind
                )
                raise Retry(message, after=_RETRY_AFTER_S) from error

    def _tree(self, share: str) -> TreeConnect:
        if share not in self._trees:
            session = self._signed_in()
            tree = TreeConnect(session, f"\\\\{self._place.server}\\{share}")
            try:
                tree.connect()
            except SMBResponseException as error:
                raise run_error(error.status, share) from error
            self._trees[share] = tree
        return self._trees[share]

    def _signed_in(self) -> Session:
        if self._session is None:
            self._connection = connection = self._connect()
            session = Session(
                connection,
                self._place.user,
                self._place.password,
                require_encryption=bool(connection.supports_encryption),
                hostname_override=self._place.server,
                auth_protocol="ntlm",
            )
            try:
                session.connect()
            except SMBResponseException as error:
                raise run_error(error.status, self._place.share) from error
            except SMBConnectionClosed:
                raise
            except SMBException as error:  # no NTLM, or signed in as a guest only
                raise Reconfigure(
                    told(
                        "The server '{server}' takes no sign-in by NTLM, or only one as a guest: check its "
                        "settings, 'user' and 'password'.",
                        server=self._place.server,
                    )
                ) from error
            self._session = session
            # The library asks for as many credits as it spends, which would keep them at a few.
            connection.echo(session.session_id, timeout=_TIMEOUT_S, credit_request=_CREDITS)
        return self._session

    def _connect(self) -> Connection:
        problem: Exception | None = None
        for address in self._surroundings.network.addresses(self._place.server, self._place.port):
            connection = Connection(uuid.uuid4(), address, self._place.port, require_signing=True)
            connection._receive_timeout = (
                _TIMEOUT_S  # twice as long without an answer, and it counts as broken
            )
            try:
                connection.connect(timeout=_TIMEOUT_S)
            except _BROKEN as error:
                problem = error
                connection.disconnect(close=False)
                continue
            connection.server_name = self._place.server  # what is asked for from here on goes by its name
            return connection
        name = f"'{self._place.server[:200]}'"
        raise HostUnreachable(
            told("{name} does not answer as an SMB server on port {port}.", name=name, port=self._place.port)
        ) from problem

    def _drop(self, *, politely: bool) -> None:
        """Close the connection; `politely` signs out before."""
        connection, self._connection, self._session = self._connection, None, None
        self._trees.clear()
        if connection is not None:
            with suppress(*_BROKEN):
                connection.disconnect(close=politely, timeout=_TIMEOUT_S)


def _answers(connection: Connection, requests: list[Request], *, partial: bool = False) -> list[bytes]:
    answers, problem = [], None
    for request in requests:
        try:
            header = connection.receive(request, timeout=_TIMEOUT_S, resolve_symlinks=False)
        except SMBResponseException as error:
            if partial and error.status == BUFFER_OVERFLOW:
                answers.append(bytes(error.header["data"].get_value()))
            else:
                problem = problem or error
        else:
            answers.append(bytes(header["data"].get_value()))
    if problem is not None:
        raise Refused(problem.status) from problem
    return answers


def _descriptor_in(connection: Connection, requests: list[Request]) -> bytes | Refused:
    try:
        _, data, _ = _answers(connection, requests)
    except Refused as refused:
        return refused
    answer = SMB2QueryInfoResponse()
    answer.unpack(data)
    return bytes(answer["buffer"].get_value())
