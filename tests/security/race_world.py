"""The documents that are fought over: who revokes what when, and what a response may hold.

Each document carries a mark of its own. A change goes through the real sync: the source's
file is written anew and a run over permissions is carried out in this process.
"""

from __future__ import annotations

import bisect
import json
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from unittest import mock

from django.test import Client
from django.utils import timezone

from assistant.accounts.api_keys import issue_key
from assistant.accounts.models import Connection, User
from assistant.accounts.services import add_user
from assistant.chat.events import Token, to_payload
from assistant.chat.models import Citation, Conversation, StoredEvent, Turn, TurnState
from assistant.common.types import Json
from assistant.documents.models import Document
from assistant.sync import carrying_out, engine, permissions_pass
from assistant.sync.models import RunKind, RunState, SyncRun
from assistant.sync.services import add_source

DOCUMENTS, GROUPS = 16, 4
PEOPLE = ("ann", "bob", "cho")
FOLLOWS_S = 0.1  # a request that begins within this time of a commit counts as a race with it
_FOREVER = float("inf")


def mark(number: int) -> str:
    """The word that only this document holds."""
    return f"kanari{number:02d}x"


@dataclass(slots=True)
class Closing:
    """One revocation of one document, in seconds of the monotonic clock."""

    begun: float
    committed: float = _FOREVER
    granted: float = _FOREVER  # when the transaction that gives it back began, at the earliest


@dataclass(slots=True)
class Timeline:
    """What was closed when, by the number of the document. Written by one thread, read by others."""

    closings: dict[int, list[Closing]] = field(default_factory=dict)

    def around(self, number: int, begin: float, end: float) -> list[Closing]:
        """The closings that a request from `begin` to `end` could have met."""
        closings = self.closings.get(number, [])
        first = bisect.bisect_left(closings, begin - 60.0, key=lambda closing: closing.begun)
        return [closing for closing in closings[first:] if closing.begun <= end]

    def is_race(self, number: int, begin: float, end: float) -> bool:
        """Whether a request overlapped a revocation of the document, or began just after its commit."""
        return any(begin <= closing.committed + FOLLOWS_S for closing in self.around(number, begin, end))

    def is_stale(self, number: int, begin: float, end: float) -> bool:
        """Whether a response that holds the document's mark is one too late."""
        return any(
            closing.committed <= begin and end <= closing.granted
            for closing in self.around(number, begin, end)
        )


@dataclass(frozen=True, slots=True)
class Revocation:
    """Documents to be closed, and how: "list", "deny" or "group"."""

    how: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """A person with everything that a request needs."""

    name: str
    session: str
    key: str
    turns: tuple[int, ...]  # by document: an answered turn that stands on it
    running: tuple[int, ...]  # by document: a turn that is still being written
    conversations: tuple[int, ...]  # by document: where the answered turn is


class RaceWorld:
    """The source, its people, and the state in which each document is meant to be."""

    def __init__(self, home: Path, *, seed: int) -> None:
        self.timeline = Timeline()
        self._random = Random(seed)
        self._file = home / "races.jsonl"
        self._closed: dict[int, str] = {}  # number -> how
        self._moments: dict[str, float] = {}
        self.lock = threading.Lock()

    def lay_down(self) -> None:
        """Accounts, source, documents, turns. Reads everything once."""
        for name in PEOPLE:
            add_user(email=f"{name}@example.com", actor="races")
        self._write()
        self._source = add_source(kind="jsonl", name="races", config={"path": str(self._file)}, actor="races")
        Connection.objects.filter(pk=self._source).update(max_age_s=24 * 3600)
        self._run(RunKind.INCREMENTAL)
        self.documents = {
            int(row.external_id): row.pk for row in Document.objects.filter(connection_id=self._source)
        }
        self.readers = tuple(self._reader(name) for name in PEOPLE)

    def _reader(self, name: str) -> Reader:
        user = User.objects.get(email=f"{name}@example.com")
        client = Client()
        client.force_login(user)
        being_written = Conversation.objects.create(user=user, title="Being written")
        turns = [self._turn(Conversation.objects.create(user=user), number) for number in range(DOCUMENTS)]
        running = [self._turn(being_written, number, running=True) for number in range(DOCUMENTS)]
        return Reader(
            name=name,
            session=client.cookies["sessionid"].value,
            key=issue_key(user_id=user.pk, name="races", days=1, actor="races").text,
            turns=tuple(turn.pk for turn in turns),
            running=tuple(turn.pk for turn in running),
            conversations=tuple(turn.conversation_id for turn in turns),
        )

    def _turn(self, conversation: Conversation, number: int, *, running: bool = False) -> Turn:
        """A turn whose sentence quotes the document; a running one is never ended by itself."""
        document = Document.objects.get(pk=self.documents[number])
        turn = Turn.objects.create(
            conversation=conversation,
            question="What is the code?",
            language="en",
            model="extractive",
            state=TurnState.RUNNING if running else TurnState.DONE,
            lease_until=timezone.now() + timedelta(days=1) if running else None,
            read_documents=[document.pk],
        )
        Citation.objects.create(
            turn=turn, n=1, document=document, version=document.version, start=0, end=20, quotes=[[0, 12]]
        )
        self._say(turn.pk, number, seq=1)
        return turn

    def _say(self, turn_id: int, number: int, *, seq: int) -> None:
        payload = to_payload(Token(f"The code is {mark(number)}.", (1,), quoted=True))
        StoredEvent.objects.create(turn_id=turn_id, seq=seq, kind="token", payload=payload)

    def _write(self) -> None:
        closed_groups = {number % GROUPS for number, how in self._closed.items() if how == "group"}
        lines: list[dict[str, Json]] = [
            {
                "group": f"g{number}",
                "members": [] if number in closed_groups else [f"user:{name}@example.com" for name in PEOPLE],
            }
            for number in range(GROUPS)
        ]
        lines += [self._line(number) for number in range(DOCUMENTS)]
        draft = self._file.with_suffix(".draft")
        draft.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
        draft.replace(self._file)

    def _line(self, number: int) -> dict[str, Json]:
        acl: Json = {"allow": [f"group:g{number % GROUPS}"]}
        match self._closed.get(number):
            case "list":
                acl = {"allow": ["user:nobody@example.com"]}
            case "deny":
                denied: list[Json] = [f"user:{name}@example.com" for name in PEOPLE]
                acl = {"deny": denied, "allow": [f"group:g{number % GROUPS}"]}
        text = f"The code of pump {number} is {mark(number)}. The valve of pump {number} stays shut."
        return {"id": str(number), "title": f"Pump {number}", "text": text, "acl": acl}

    def _run(self, kind: RunKind) -> None:
        run = SyncRun.objects.create(source_id=self._source, kind=kind, requested_by="races")
        assert engine.execute_run(run.pk)
        run.refresh_from_db()
        assert run.state == RunState.SUCCEEDED, (run.state, run.detail)

    def chosen(self) -> Revocation:
        """What to close next: by lists, by a deny, or by taking everybody out of a group."""
        how = self._random.choice(("list", "deny", "group"))
        group = self._random.randrange(GROUPS)
        in_group = tuple(number for number in range(DOCUMENTS) if number % GROUPS == group)
        some = tuple(self._random.sample(range(DOCUMENTS), self._random.randint(1, DOCUMENTS // 2)))
        return Revocation(how, in_group if how == "group" else some)

    def revoke(self, revocation: Revocation) -> None:
        """Close the documents by one run."""
        self._closed = dict.fromkeys(revocation.numbers, revocation.how)
        began = time.monotonic()
        closings = [Closing(began) for _ in revocation.numbers]
        with self.lock:
            for number, closing in zip(revocation.numbers, closings, strict=True):
                self.timeline.closings.setdefault(number, []).append(closing)
        with self._watched():
            self._write()
            self._run(RunKind.PERMISSIONS)
        with self.lock:
            for closing in closings:
                closing.committed = self._moments["members" if revocation.how == "group" else "lists"]
        self._go_on_writing(revocation.numbers)

    def _go_on_writing(self, numbers: Collection[int]) -> None:
        """Running turns get one more sentence, which no stream may show any more."""
        for reader in self.readers:
            turn_ids = [reader.running[number] for number in numbers]
            StoredEvent.objects.filter(turn_id__in=turn_ids, seq__gt=1).delete()
            StoredEvent.objects.bulk_create(
                [
                    StoredEvent(
                        turn_id=turn_id,
                        seq=2,
                        kind="token",
                        payload=to_payload(Token(f"Again: {mark(number)}.", (1,), quoted=True)),
                    )
                    for turn_id, number in zip(turn_ids, numbers, strict=True)
                ]
            )

    def grant(self) -> None:
        """Open everything again."""
        began = time.monotonic()
        with self.lock:
            for number in self._closed:
                self.timeline.closings[number][-1].granted = began
        self._closed = {}
        self._write()
        self._run(RunKind.PERMISSIONS)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Note when the transactions with the memberships and with the lists have committed."""
        take_principals, apply = permissions_pass.take_principals, permissions_pass._apply

        def members(*args: object) -> bool:
            complete = take_principals(*args)  # type: ignore[arg-type]
            self._moments["members"] = time.monotonic()
            return complete

        def lists(*args: object) -> dict[str, int | None]:
            unknown = apply(*args)  # type: ignore[arg-type]
            self._moments["lists"] = time.monotonic()
            return unknown

        with (
            mock.patch.object(carrying_out, "take_principals", members),
            mock.patch.object(permissions_pass, "_apply", lists),
        ):
            yield
