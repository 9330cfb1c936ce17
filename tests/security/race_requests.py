"""What is sent against the web processes, over real connections, and what came back when."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote

from tests.security.race_world import DOCUMENTS, RaceWorld, Reader, mark

MARK = re.compile(rb"kanari(\d\d)x")
STREAM_LIMIT_S = 2.0
_PATIENCE_S = 60.0
# How often each kind of request is sent. What takes long, seldom.
WEIGHTS = {
    "api document": 16,
    "document": 12,
    "search": 12,
    "source": 6,
    "turn": 3,
    "conversation": 2,
    "ask": 1,
}


@dataclass(slots=True)
class Outcome:
    """What the races came to."""

    races: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    shown: int = 0  # responses that held a mark, as they may before a revocation
    stale: list[str] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)  # seconds from a commit to the end of a stream
    refused: list[str] = field(default_factory=list)  # answers that are no answers: errors of the server


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    kind: str
    number: int
    head: bytes
    body: bytes = b""


class Clients:
    """Readers that send one request after the other, each to a process chosen at random."""

    def __init__(self, world: RaceWorld, ports: list[int], *, seed: int) -> None:
        self._world = world
        self._ports = ports
        self._random = Random(seed)
        self.outcome = Outcome()
        self.stopping = False

    async def warm_up(self) -> None:
        """One search in every process, so that each has its model and its caches before it counts."""
        asked = self._asked("search", self._world.readers[0], 0)
        await asyncio.gather(*(self._answer(asked, port) for port in self._ports))

    async def read_on(self) -> None:
        """Ask until told to stop, so that every process has seen what is about to be revoked."""
        while not self.stopping:
            await self._ask_about(self._random.randrange(DOCUMENTS))

    async def burst(self, numbers: Sequence[int], *, size: int, within_s: float) -> None:
        """That many requests about these documents, each sent at a random moment of the time given."""
        await asyncio.gather(*(self._ask_later(numbers, within_s) for _ in range(size)))

    async def _ask_later(self, numbers: Sequence[int], within_s: float) -> None:
        await asyncio.sleep(self._random.uniform(0.0, within_s))
        await self._ask_about(self._random.choice(numbers))

    async def _ask_about(self, number: int) -> None:
        reader = self._random.choice(self._world.readers)
        asked = self._asked(self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0], reader, number)
        begin = time.monotonic()
        answer = await self._answer(asked, self._random.choice(self._ports))
        self._judge(asked, answer, begin, time.monotonic())

    def _asked(self, kind: str, reader: Reader, number: int) -> Asked:
        about = quote(f"code of pump {number} {mark(number)}")
        paths = {
            "document": f"/documents/{self._world.documents[number]}/",
            "search": f"/api/v1/search?q={about}&k=3",
            "api document": f"/api/v1/documents/{self._world.documents[number]}",
            "conversation": f"/c/{reader.conversations[number]}/",
            "turn": f"/turns/{reader.turns[number]}/",
            "source": f"/turns/{reader.turns[number]}/sources/1/",
            "ask": "/api/v1/ask",
        }
        body = json.dumps({"question": f"What is the code of pump {number}?"}) if kind == "ask" else ""
        by_key = kind in ("search", "api document", "ask")
        proof = f"Authorization: Bearer {reader.key}" if by_key else f"Cookie: sessionid={reader.session}"
        return Asked(kind, number, _head(paths[kind], proof, body), body.encode())

    async def _answer(self, asked: Asked, port: int) -> bytes:
        reading, writing = await asyncio.open_connection("127.0.0.1", port)
        try:
            writing.write(asked.head + asked.body)
            await writing.drain()
            return await asyncio.wait_for(reading.read(), _PATIENCE_S)
        finally:
            writing.close()

    def _judge(self, asked: Asked, answer: bytes, begin: float, end: float) -> None:
        held = {int(number) for number in MARK.findall(answer.partition(b"\r\n\r\n")[2])}
        # The question of an answer is the reader's own; a search is answered without its words.
        status = answer[9:12]
        with self._world.lock:
            stale = [number for number in held if self._world.timeline.is_stale(number, begin, end)]
            race = self._world.timeline.is_race(asked.number, begin, end)
        outcome = self.outcome
        outcome.requests += 1
        outcome.shown += bool(held)
        outcome.races[asked.kind] += race
        outcome.stale += [f"{asked.kind} showed document {number}" for number in stale]
        if status not in (b"200", b"404"):
            outcome.refused.append(f"{asked.kind}: {status.decode()}")

    async def follow(self) -> None:
        """Open the stream of a running turn, wait until it is cut, open the next one."""
        while not self.stopping:
            reader = self._random.choice(self._world.readers)
            number = self._random.randrange(DOCUMENTS)
            head = _head(
                f"/turns/{reader.running[number]}/stream/", f"Cookie: sessionid={reader.session}", ""
            )
            reading, writing = await asyncio.open_connection("127.0.0.1", self._random.choice(self._ports))
            try:
                begin = time.monotonic()
                writing.write(head)
                await self._watch(reading, number, begin)
            finally:
                writing.close()

    async def _watch(self, reading: asyncio.StreamReader, number: int, begin: float) -> None:
        own = mark(number).encode()
        while not self.stopping:
            try:
                line = await asyncio.wait_for(reading.readline(), 0.5)
            except TimeoutError:
                self._judge_silence(number, begin)
                continue
            now = time.monotonic()
            if own in line:
                self._judge_event(number, begin, now)
            if b"withheld" in line:
                self._judge_cut(number, begin, now)
                return
            if not line:
                return

    def _judge_event(self, number: int, begin: float, now: float) -> None:
        self.outcome.shown += 1
        with self._world.lock:
            stale = self._world.timeline.is_stale(number, begin, now) or self._world.timeline.is_stale(
                number, now - STREAM_LIMIT_S, now
            )
        if stale:
            self.outcome.stale.append(f"stream showed document {number}")

    def _judge_cut(self, number: int, begin: float, now: float) -> None:
        with self._world.lock:
            met = self._world.timeline.around(number, begin, now)
            race = self._world.timeline.is_race(number, begin, now)
        self.outcome.requests += 1
        self.outcome.races["stream"] += race
        if met and begin < met[-1].committed < now:
            self.outcome.cuts.append(now - met[-1].committed)

    def _judge_silence(self, number: int, begin: float) -> None:
        """A stream that says nothing, and is not cut although its document has been closed for long."""
        now = time.monotonic()
        with self._world.lock:
            met = self._world.timeline.around(number, begin, now)
        if met and begin < met[-1].committed < now - STREAM_LIMIT_S and met[-1].granted > now:
            self.outcome.cuts.append(now - met[-1].committed)


def _head(path: str, proof: str, body: str) -> bytes:
    lines = [
        f"{'POST' if body else 'GET'} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        proof,
        "Accept-Language: en",
        "Connection: close",
    ]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body.encode())}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
