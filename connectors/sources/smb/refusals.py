"""What a status of an SMB server means for the run."""

from __future__ import annotations

from assistant.common.told import told
from connectors.sdk.errors import ConnectorError, Reconfigure, Retry, Stop

ACCESS_DENIED = 0xC000_0022
NO_MORE_FILES = 0x8000_0006
NO_SUCH_FILE = 0xC000_000F
END_OF_FILE = 0xC000_0011
BUFFER_OVERFLOW = 0x8000_0005
SHARING_VIOLATION = 0xC000_0043
STOPPED_ON_SYMLINK = 0x8000_002D

# The object is not there, or not any more: no such file, name or path, being deleted.
GONE = frozenset({NO_SUCH_FILE, 0xC000_0034, 0xC000_003A, 0xC000_0039, 0xC000_0056})
_NO_SHARE = frozenset({0xC000_00CC, 0xC000_00C9})
_CREDENTIALS = {
    0xC000_006D: told("user or password is wrong"),
    0xC000_006A: told("the password is wrong"),
    0xC000_0064: told("there is no such user"),
    0xC000_006E: told("the account is restricted"),
    0xC000_006F: told("the account may not sign in at this hour"),
    0xC000_0070: told("the account may not sign in from this machine"),
    0xC000_0071: told("the password has expired"),
    0xC000_0072: told("the account is disabled"),
    0xC000_0193: told("the account has expired"),
    0xC000_0224: told("the password must be changed first"),
    0xC000_0234: told("the account is locked"),
    0xC000_015B: told("the account may not sign in over the network"),
}
_RETRY_AFTER_S = 60.0


class Refused(Exception):
    """The server answered a request with this status (MS-ERREF 2.3)."""

    def __init__(self, status: int) -> None:
        super().__init__(f"0x{status:08x}")
        self.status = status


def run_error(status: int, share: str) -> ConnectorError:
    """What the engine does next when the share itself is refused."""
    if status in _CREDENTIALS:
        return Reconfigure(
            told(
                "The server refuses the sign-in: {credentials}. Check 'user' and 'password'.",
                credentials=_CREDENTIALS[status],
            )
        )
    if status in _NO_SHARE:
        return Stop(
            told(
                "There is no share '{share}' on the server. Check its name; nothing was deleted.", share=share
            )
        )
    if status == ACCESS_DENIED:
        return Reconfigure(
            told("The account may not use the share '{share}': give it the right to read it.", share=share)
        )
    return Retry(
        told(
            "The server refuses the share '{share}' for now (0x{status}).",
            share=share,
            status=f"{status:08x}",
        ),
        after=_RETRY_AFTER_S,
    )
