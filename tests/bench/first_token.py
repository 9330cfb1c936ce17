"""How long does a person wait for the first word of a language model beyond the server's own time? Markdown.

    python -m tests.bench.first_token [--documents N] [--runs N]

Against the scripted server (a word every 20 ms, the first at once) and against `transformers serve` with a
tiny model, so that the server's own time is small and what is added stands out. Every run asks a whole
turn: inspection, permissions, retrieval over N documents, the request, sentences, checks. Beside each, the
same request is sent by a bare client (`http.client`): its first piece is the server's own time.

- `first piece`: question to first piece here, less the bare client's time for the same request;
- `before asking`: the share of it that passes before the model is asked;
- `release, certain`: from the piece after which a sentence is certainly whole to its release, checked;
- `release, last character`: from its last character, with what the server takes to begin the next sentence.

Exit status 1 if the median of `first piece` is 300 ms or more.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from assistant.common.network import Network, parse_networks
from assistant.providers.contract import ChatParts, ChatServer, Completions, Message, never
from assistant.providers.registry import completions
from assistant.providers.writing import WrittenAnswers
from tests.bench.index_scale import processor
from tests.providers.scripted_model import model_server, server_of, writes
from tests.providers.served_model import transformers_serve
from tests.providers.tiny_model import tiny_model

if TYPE_CHECKING:
    from assistant.access.viewer import Viewer

MOST_MS = 300.0
WARM_UPS = 3
COLUMNS = (
    "server",
    "its own",
    "first piece",
    "least",
    "p95",
    "before asking",
    "release, certain",
    "release, last character",
)
QUESTION = "How many days a week is remote work allowed?"
SENTENCE = "Remote work is allowed three days a week [1]."
WRITTEN = f"{SENTENCE} New employees receive one laptop on their very first morning here [2]."
_CERTAIN_AFTER = len(SENTENCE) + 24
_A_WORD_S = 0.02


@dataclass(slots=True)
class Recorded:
    """A language model that notes what it was asked, and when which piece came."""

    inner: Completions
    messages: Sequence[Message] = ()
    asked_at: float = 0.0
    pieces: list[tuple[float, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.inner.name

    def complete(self, messages: Sequence[Message], *, stop: Callable[[], bool] = never) -> Iterator[str]:
        """The next message, noted."""
        self.messages, self.asked_at = messages, time.perf_counter()
        for piece in self.inner.complete(messages, stop=stop):
            self.pieces.append((time.perf_counter(), piece))
            yield piece

    def came_at(self, characters: int) -> float:
        """When the message had so many characters, or its last piece."""
        have = 0
        for at, piece in self.pieces:
            have += len(piece)
            if have >= characters:
                return at
        return self.pieces[-1][0]


@dataclass(frozen=True, slots=True)
class Run:
    """One turn, in ms; `own`: a bare client's first piece of the same request."""

    own: float
    first_piece: float
    before_asking: float
    certain: float
    last_character: float


def one_run(server: ChatServer, viewer: Viewer) -> Run:
    """A whole turn, then the same request by a bare client."""
    from assistant.chat.answering import Answer, answer  # noqa: PLC0415 - needs the settings
    from assistant.chat.events import Token  # noqa: PLC0415 - needs the settings

    parts = ChatParts(None, server, Network(parse_networks("127.0.0.0/8")))
    recorded = Recorded(completions("openai-compatible", parts))
    began = time.perf_counter()
    released = 0.0
    for event in answer(QUESTION, viewer=viewer, model=WrittenAnswers(recorded), into=Answer()):
        if isinstance(event, Token) and not released:
            released = time.perf_counter()
            if not event.citations:
                raise RuntimeError(f"a true sentence was not verified: {event.text}")
    own = bare(server, recorded.messages)
    first = recorded.pieces[0][0] - began
    return Run(
        own=1_000 * own,
        first_piece=1_000 * (first - own),
        before_asking=1_000 * (recorded.asked_at - began),
        certain=1_000 * (released - recorded.came_at(_CERTAIN_AFTER)),
        last_character=1_000 * (released - recorded.came_at(len(SENTENCE))),
    )


def bare(server: ChatServer, messages: Sequence[Message]) -> float:
    """Seconds until the first piece of the same request, asked with as little as there is."""
    address = urlsplit(server.url)
    body = {
        "model": server.model,
        "messages": [{"role": each.role.value, "content": each.text} for each in messages],
        "max_tokens": server.most_tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    began = time.perf_counter()
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", f"{address.path}/chat/completions", json.dumps(body).encode(), headers)
    answer = connection.getresponse()
    took = 0.0
    while line := answer.readline():
        if not took and line.startswith(b"data: {"):
            choices = json.loads(line[6:])["choices"]
            took = time.perf_counter() - began if choices and choices[0]["delta"].get("content") else 0.0
    connection.close()
    return took


def set_up(home: Path, documents: int) -> Viewer:
    """A home with so many documents that one person may read, and that person."""
    os.environ.update({"MUNDAP_HOME": str(home), "DJANGO_SETTINGS_MODULE": "assistant.config.settings"})
    os.environ["DATABASE_URL"] = f"sqlite:///{home}/world.sqlite3"
    os.environ["MUNDAP_DEMO"] = "0"
    import django  # noqa: PLC0415 - after the environment

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from assistant.access.viewer import viewer_for  # noqa: PLC0415
    from assistant.accounts.models import User  # noqa: PLC0415
    from assistant.sync.engine import execute_run  # noqa: PLC0415
    from assistant.sync.services import add_source, request_run  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    ann = User.objects.create_user(email="ann@example.com", password="x" * 20)
    file = home / "world.jsonl"
    with file.open("w", encoding="utf-8") as lines:
        for n in range(documents):
            text = (
                "Remote work is allowed three days a week. New employees receive a laptop on their first day."
                if n == 0
                else f"Guideline {n} of department {n % 37}. Room {n} is booked {n % 9 + 1} days before. "
                "Travel to customers is paid after the trip; receipts are handed in within a month."
            )
            record = {"id": f"d{n}", "title": f"Guideline {n}", "text": text, "acl": {"allow": ["everyone"]}}
            lines.write(json.dumps(record) + "\n")
    source_id = add_source(kind="jsonl", name="world", config={"path": str(file)})
    execute_run(request_run(source_id=source_id, kind="full", actor="bench"))
    return viewer_for(ann)


@contextmanager
def scripted() -> Iterator[ChatServer]:
    """A word every 20 ms, the first at once."""
    words = [f"{word} " for word in WRITTEN.split(" ")]

    def pace(sent: int) -> None:
        if sent:
            time.sleep(_A_WORD_S)

    with model_server(writes(*words, between=pace)) as server:
        yield server_of(server)


@contextmanager
def served(folder: Path) -> Iterator[ChatServer]:
    """`transformers serve` with a model that says the same."""
    model = tiny_model(folder / "says", WRITTEN.replace(" [2]", ""), longest=65_536)
    with transformers_serve(folder) as server:
        yield server.server_of(model)


def row(name: str, runs: Sequence[Run]) -> str:
    """Medians, with the least and the 95th percentile of what is added to the first piece."""
    adds = sorted(run.first_piece for run in runs)
    middle = {key: statistics.median(getattr(run, key) for run in runs) for key in Run.__slots__}
    late = adds[min(len(adds) - 1, round(0.95 * len(adds)))]
    return (
        f"| {name} | {middle['own']:.1f} | {middle['first_piece']:.1f} | {adds[0]:.1f} | {late:.1f} "
        f"| {middle['before_asking']:.1f} | {middle['certain']:.1f} | {middle['last_character']:.1f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=500, help="documents that are searched")
    parser.add_argument("--runs", type=int, default=20, help="turns against each server")
    options = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        viewer = set_up(Path(folder), options.documents)
        machine = f"{processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        print(f"{machine}; {options.documents} documents; medians of {options.runs} turns in ms.\n")
        print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        for name, opened in (("scripted", scripted()), ("transformers serve", served(Path(folder)))):
            with opened as server:
                runs = [one_run(server, viewer) for _ in range(WARM_UPS + options.runs)][WARM_UPS:]
            print(row(name, runs), flush=True)
            missed = missed or statistics.median(run.first_piece for run in runs) >= MOST_MS
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
