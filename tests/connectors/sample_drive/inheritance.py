"""Who may read what lies where: an item's own list, then those of the folders above it, nearest first."""

from __future__ import annotations

from assistant.common.acl import NOBODY, Acl, Clause
from connectors.sdk.exact_json import MalformedError
from tests.connectors.sample_drive.api import DriveApi, Entry, ListUnreadable


class Inheritance:
    """The folders as they were when the run began; each list is read once, when it is first needed."""

    def __init__(self, api: DriveApi) -> None:
        self._api = api
        self._folders = {each.id: each for page in api.pages("folders") for each in page}
        self._lists: dict[str, Clause | ListUnreadable | MalformedError | None] = {}

    def acl_of(self, entry: Entry) -> Acl | None:
        """Who may read the item; None: one of the lists that decide cannot be read now.

        Raises:
            MalformedError: one of them is not understood.
        """
        try:
            clauses = [self._list_of(each) for each in self._chain(entry)]
        except ListUnreadable:
            return None
        entries = tuple(one for clause in clauses if clause is not None for one in clause.entries)
        return Acl((Clause(entries),)) if entries else NOBODY

    def _chain(self, entry: Entry) -> list[Entry]:
        chain = [entry]
        while chain[-1].parent != "root":
            above = self._folders.get(chain[-1].parent)
            if above is None or above in chain:
                raise ListUnreadable("a folder above it came while the run was going on")
            chain.append(above)
        return chain

    def _list_of(self, entry: Entry) -> Clause | None:
        if not entry.has_list:
            return None
        if entry.id not in self._lists:
            try:
                self._lists[entry.id] = self._api.own_list(entry.id)
            except (ListUnreadable, MalformedError) as error:
                self._lists[entry.id] = error
        found = self._lists[entry.id]
        if isinstance(found, Exception):
            raise found
        return found
