"""Which mailboxes are read, and whose is each?

Mail belongs to one person: the list of a mailbox lets in its owner and nobody else. A
line that is not understood hides its mailbox and leaves the others as they are.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.common.acl import NOBODY, Acl, Clause, Entry, PrincipalRef, parse_principal, user
from assistant.common.errors import UsageError
from assistant.common.told import told
from connectors.sdk.exact_json import shown
from connectors.sources.imap.message_ids import MAX_MAILBOX_LENGTH

MASTER_SIGN = "*"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox by the login that opens it. `problem`: why its owner is in doubt, or empty."""

    login: str
    acl: Acl
    problem: str = ""


def parse_mailboxes(lines: Iterable[str], *, by_master: bool) -> tuple[Mailbox, ...]:
    """The mailboxes of lines `login = owner`, in the order of their logins.

    The owner is an e-mail address, or `group:directory:KEY` for a mailbox that many share;
    without one nobody reads the mailbox in Mundap.

    Raises:
        UsageError: a line without a login, or several mailboxes with only one password.
    """
    written = [_split(line) for line in lines]
    times = Counter(_folded(login) for login, _ in written)
    boxes: dict[str, Mailbox] = {}
    for login, owner in written:
        if times[_folded(login)] > 1:
            boxes[login] = Mailbox(
                login, NOBODY, told("The mailbox '{login}' stands on several lines.", login=shown(login))
            )
        else:
            boxes[login] = _mailbox(login, owner, by_master=by_master)
    if len(boxes) > 1 and not by_master:
        raise UsageError(told("Several mailboxes need a master user: name it, or keep one mailbox."))
    return tuple(boxes[login] for login in sorted(boxes))


def sound(boxes: Sequence[Mailbox]) -> list[Mailbox]:
    """The mailboxes whose owners are known beyond doubt."""
    return [box for box in boxes if not box.problem]


def _split(line: str) -> tuple[str, str]:
    login, equals, owner = line.rpartition("=")
    login, owner = (login.strip(), owner.strip()) if equals else (line.strip(), "")
    if not login:
        raise UsageError(
            told("'{line}' names no mailbox: write for example ann = ann@example.com.", line=shown(line))
        )
    if len(login) > MAX_MAILBOX_LENGTH:
        raise UsageError(
            told("'{login}' is longer than {most} characters.", login=shown(login), most=MAX_MAILBOX_LENGTH)
        )
    return login, owner


def _mailbox(login: str, owner: str, *, by_master: bool) -> Mailbox:
    if by_master and MASTER_SIGN in login:
        return Mailbox(
            login,
            NOBODY,
            told("The login '{login}' holds '{sign}'.", login=shown(login), sign=MASTER_SIGN),
        )
    if not owner:
        return Mailbox(login, NOBODY)
    try:
        principal = _principal(owner)
    except UsageError as error:
        return Mailbox(
            login,
            NOBODY,
            told(
                "The owner of the mailbox '{login}' is not understood: {error}",
                login=shown(login),
                error=error,
            ),
        )
    return Mailbox(login, Acl((Clause((Entry(allow=True, principal=principal),)),)))


def _principal(owner: str) -> PrincipalRef:
    if owner.startswith("group:directory:"):
        return parse_principal(owner)
    return user(owner.removeprefix("user:"))


def _folded(login: str) -> str:
    """Servers differ in whether case matters; two lines that may mean one mailbox are taken as one."""
    return unicodedata.normalize("NFKC", login).casefold()
