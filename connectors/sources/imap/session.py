"""One connection to one mailbox: signed in, reading only.

Sequence numbers are stable while only FETCH by sequence number is sent (RFC 3501, 7.4.1),
so a folder is paged by them: UIDs may have gaps of millions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from imapclient.exceptions import ProtocolError

from assistant.common.told import told
from connectors.sdk.surroundings import Surroundings
from connectors.sources.imap.connection import Access, Refused, answers, connected, sign_in
from connectors.sources.imap.folders import Folder, listed_folder

PAGE = 500
_ITEMS = ("UID", "FLAGS", "RFC822.SIZE", "INTERNALDATE")


@dataclass(frozen=True, slots=True)
class Message:
    """What the server says about a message without opening it. `flags` in lower case, `size` in bytes."""

    uid: int
    flags: frozenset[str]
    size: int
    received: datetime | None


@dataclass(slots=True)
class _Opened:
    """The folder that is open. `position`: the sequence number behind the message with the UID `after`."""

    raw: bytes
    uidvalidity: int
    count: int
    position: int = 1
    after: int = 0


class Session:
    """A mailbox, signed in. One thread at a time; the caller closes it."""

    def __init__(self, access: Access, login: str, surroundings: Surroundings) -> None:
        """Connect and sign in.

        Raises:
            Lost, SignInRefused
            Retry, Reconfigure: the host cannot be reached, or must not; its certificate is wrong.
        """
        self._surroundings = surroundings
        self._opened: _Opened | None = None
        self._turn()
        self._client = connected(access, surroundings)
        try:
            sign_in(self._client, access, login)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up."""
        self._client.hang_up()

    def folders(self) -> tuple[list[Folder], list[bytes]]:
        """All folders, and the beginnings of the names of other people's and public ones."""
        self._turn()
        with answers():
            rows: Sequence[tuple[Sequence[bytes], bytes | None, bytes | str | None]]
            rows = self._client.list_folders()
            foreign: list[bytes] = []
            if self._client.has_capability("NAMESPACE"):
                _personal, others, shared = self._client.namespace()
                named = [*(others or ()), *(shared or ())]
                foreign = [_as_bytes(prefix) for prefix, _ in named if prefix]
            found = [
                listed_folder(
                    _as_bytes(name if name is not None else b"NIL"),
                    (delimiter or b"").decode("ascii"),
                    [flag.decode("ascii", "replace") for flag in flags],
                )
                for flags, delimiter, name in rows
            ]
        return found, foreign

    def open(self, folder: Folder) -> int:
        """Open a folder for reading; gives its UIDVALIDITY."""
        self._turn()
        self._opened = None
        with answers():
            answer: Mapping[bytes, object] = self._client.select_folder(folder.raw, readonly=True)
            uidvalidity, count = answer[b"UIDVALIDITY"], answer[b"EXISTS"]
            if not isinstance(uidvalidity, int) or not isinstance(count, int):
                raise ProtocolError("UIDVALIDITY and EXISTS must be numbers")
        self._opened = _Opened(folder.raw, uidvalidity, count)
        return uidvalidity

    def reopen(self, folder: Folder, uidvalidity: int) -> None:
        """Make sure that this folder is open, and that it is the one that had this UIDVALIDITY.

        Raises:
            Refused: it was made anew meanwhile, or cannot be opened.
        """
        if self._opened is None or self._opened.raw != folder.raw:
            self.open(folder)
        if self._opened is None or self._opened.uidvalidity != uidvalidity:
            raise Refused(told("it was made anew meanwhile"))

    def page(self, folder: Folder, uidvalidity: int, after: int) -> tuple[list[Message], bool]:
        """The next messages of a folder behind the UID `after`, by UID, and whether these are the last."""
        self.reopen(folder, uidvalidity)
        try:
            return self._page(after)
        except _Shifted:
            self.open(folder)  # messages went away: the numbers are counted anew
            self.reopen(folder, uidvalidity)
            return self._page(after)

    def messages(self, folder: Folder, uidvalidity: int, uids: Sequence[int]) -> list[Message]:
        """Those of these messages that are there."""
        self.reopen(folder, uidvalidity)
        rows = self._fetch(uids, _ITEMS, by_uid=True)
        return [_message(uid, row) for uid, row in sorted(rows.items())]

    def content(self, folder: Folder, uidvalidity: int, uid: int) -> bytes | None:
        """The message as it was sent, cut one byte behind the largest size; None: it is gone."""
        self.reopen(folder, uidvalidity)
        most = self._surroundings.max_content_bytes + 1
        rows = self._fetch([uid], [f"BODY.PEEK[]<0.{most}>"], by_uid=True)
        parts = [value for key, value in rows.get(uid, {}).items() if key.startswith(b"BODY[]")]
        return parts[0] if parts and isinstance(parts[0], bytes) else None

    def _page(self, after: int) -> tuple[list[Message], bool]:
        opened = self._opened
        assert opened is not None, "a folder is open"
        if opened.after != after:
            opened.position = self._behind(after, opened.count)
        first, last = opened.position, min(opened.position + PAGE - 1, opened.count)
        numbers = range(first, last + 1)
        rows = self._fetch(numbers, _ITEMS, by_uid=False)
        if len(rows) < len(numbers):
            raise _Shifted(told("the server leaves out messages that it counts"))
        with answers():
            found = [_message(_number(row[b"UID"]), row) for row in rows.values()]
        found = sorted((each for each in found if each.uid > after), key=lambda each: each.uid)
        opened.position, opened.after = last + 1, found[-1].uid if found else after
        return found, last >= opened.count

    def _behind(self, after: int, count: int) -> int:
        """The number of the first message with a higher UID than `after`. UIDs rise with the numbers."""
        low, high = 1, count + 1
        while low < high:
            middle = (low + high) // 2
            row = self._fetch([middle], ["UID"], by_uid=False).get(middle)
            if row is None:
                raise _Shifted(told("the server leaves out a message that it counts"))
            with answers():
                low, high = (middle + 1, high) if _number(row[b"UID"]) <= after else (low, middle)
        return low

    def _fetch(
        self, numbers: Sequence[int], items: Sequence[str], *, by_uid: bool
    ) -> dict[int, dict[bytes, object]]:
        if not numbers:
            return {}
        self._turn()
        self._client.use_uid = by_uid
        try:
            with answers():
                rows: dict[int, dict[bytes, object]] = self._client.fetch(list(numbers), list(items))
        except Refused as error:
            if "EXPUNGEISSUED" in str(error):  # RFC 5530: somebody took messages away meanwhile
                raise _Shifted(told("messages go away while they are listed")) from error
            raise
        return rows

    def _turn(self) -> None:
        self._surroundings.pace.turn(stopped=self._surroundings.stopped)


class _Shifted(Refused):
    """Messages went away while their folder was read."""


def _message(uid: int, row: Mapping[bytes, object]) -> Message:
    with answers():
        flags, received = row[b"FLAGS"], row[b"INTERNALDATE"]
        size = _number(row[b"RFC822.SIZE"])
        if not isinstance(flags, tuple) or uid <= 0:
            raise ProtocolError("flags must be a list")
    names = (flag.decode("ascii", "replace") if isinstance(flag, bytes) else str(flag) for flag in flags)
    at = received.astimezone(UTC) if isinstance(received, datetime) and received.tzinfo else None
    return Message(uid, frozenset(name.lower() for name in names), size, at)


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise ProtocolError("a number was expected")
    return value


def _as_bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")
