"""What stands around every language model: accounts, attempts, a circuit breaker, places, an end.

State is kept for each address and model in the process, so that all who ask one model share it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from assistant.providers.bounded import Bounded
from assistant.providers.contract import ChatParts, ChatServer, Completions, CountingCompletions
from assistant.providers.metered import Metered
from assistant.providers.places import Placed, Places
from assistant.providers.resting import Circuit, Resting
from assistant.providers.retrying import Retrying


@dataclass(frozen=True, slots=True)
class State:
    """How one model on one server has been doing in this process."""

    circuit: Circuit = field(default_factory=Circuit)
    places: Places = field(default_factory=Places)


_states: dict[tuple[str, str], State] = {}
_lock = threading.Lock()


def limited(completions: CountingCompletions, parts: ChatParts) -> Completions:
    """The language model within the limits that its server's settings name."""
    server, state = parts.server, state_of(parts.server)
    bounded = Bounded(completions, most_tokens=server.most_tokens)
    placed = Placed(bounded, state.places, most=server.most_at_once, within_s=server.place_s)
    resting = Resting(placed, state.circuit, failures=server.failures, rest_s=server.rest_s)
    return Metered(Retrying(resting, attempts=server.attempts), parts.spent)


def forget() -> None:
    """Know nothing of any model, as in a new process."""
    with _lock:
        _states.clear()


def state_of(server: ChatServer) -> State:
    """What all who ask this model share."""
    with _lock:
        return _states.setdefault((server.url, server.model), State())
