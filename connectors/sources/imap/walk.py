"""Which messages lie in which mailbox, in a fixed order, without opening one.

Mailboxes come by login, folders by name, messages by UID. What cannot be listed is a
Failure that covers everything below it, and never looks like an empty folder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from assistant.common.errors import FailureCode
from assistant.common.pace import Stopped
from assistant.common.told import told
from connectors.sdk.contract import Failure
from connectors.sdk.exact_json import shown
from connectors.sdk.names import escaped_id, id_problem
from connectors.sdk.surroundings import Surroundings
from connectors.sources.imap.connection import Refused, SignInRefused
from connectors.sources.imap.folders import Folder, wanted_folders
from connectors.sources.imap.held import HeldSession
from connectors.sources.imap.mailboxes import Mailbox
from connectors.sources.imap.message_ids import Place, folder_prefix, mailbox_prefix, message_id
from connectors.sources.imap.session import Message

_UNWANTED = frozenset({"\\deleted", "\\draft"})


@dataclass(frozen=True, slots=True)
class Found:
    """A message that may be a document."""

    external_id: str
    place: Place
    box: Mailbox
    folder: Folder
    message: Message


@dataclass(frozen=True, slots=True)
class Walk:
    """The reading of one mailbox after the other over one session."""

    held: HeldSession
    surroundings: Surroundings
    leave_out: Collection[str]

    def mailbox(self, box: Mailbox, *, after: Place | None = None) -> Iterator[Found | Failure]:
        """Every message of a mailbox; `after`: only those behind this place.

        Raises:
            SignInRefused
            Retry, Reconfigure, Stopped
        """
        folders = self.folders(box)
        if not folders:
            detail = told("The server lists no folder in the mailbox '{login}'.", login=shown(box.login))
            yield Failure(mailbox_prefix(box.login), FailureCode.UNLISTED, detail, is_prefix=True)
        for folder in folders:
            if self.surroundings.stopped():
                raise Stopped
            if after is not None and folder.name < after.folder:
                continue
            yield from self._folder(box, folder, after if after and folder.name == after.folder else None)

    def folders(self, box: Mailbox) -> list[Folder]:
        """The folders of a mailbox that are read."""
        found, foreign = self.held.ask(box.login, lambda session: session.folders())
        return wanted_folders(found, leave_out=self.leave_out, foreign=foreign)

    def picked(self, box: Mailbox, folder: Folder, uidvalidity: int, uids: Sequence[int]) -> Iterator[Found]:
        """Those of these messages that are there.

        Raises:
            Refused: the folder is not there, or another one.
        """
        listed = self.held.ask(box.login, lambda session: session.messages(folder, uidvalidity, uids))
        yield from self._found(box, folder, uidvalidity, listed)

    def _folder(self, box: Mailbox, folder: Folder, after: Place | None) -> Iterator[Found | Failure]:
        prefix = folder_prefix(box.login, folder.name)
        # The shortest id that a message in it could have tells whether all of them can be ids.
        problem = folder.problem or _problem_of(prefix + "4294967295/4294967295")
        if problem:
            yield Failure(
                escaped_id(prefix),
                FailureCode.UNREADABLE,
                told("{problem} Rename it.", problem=problem),
                is_prefix=True,
            )
            return
        try:
            uidvalidity = self.held.ask(box.login, lambda session: session.open(folder))
            last = after.uid if after is not None and after.uidvalidity == uidvalidity else 0
            whole = False
            while not whole:
                page, whole = self._page(box, folder, uidvalidity, last)
                last = page[-1].uid if page else last
                yield from self._found(box, folder, uidvalidity, page)
        except SignInRefused:
            raise
        except Refused as error:
            detail = told(
                "The folder '{name}' of '{login}' cannot be listed: {error}.",
                name=shown(folder.name),
                login=shown(box.login),
                error=error,
            )
            yield Failure(prefix, FailureCode.UNLISTED, detail, is_prefix=True)

    def _page(self, box: Mailbox, folder: Folder, uidvalidity: int, last: int) -> tuple[list[Message], bool]:
        return self.held.ask(box.login, lambda session: session.page(folder, uidvalidity, last))

    def _found(
        self, box: Mailbox, folder: Folder, uidvalidity: int, messages: Sequence[Message]
    ) -> Iterator[Found]:
        for message in messages:
            if message.flags & _UNWANTED:
                continue
            place = Place(box.login, folder.name, uidvalidity, message.uid)
            yield Found(message_id(place), place, box, folder, message)


def _problem_of(longest: str) -> str:
    problem = id_problem(longest)
    return told("The path of the folder {problem}.", problem=problem) if problem else ""
