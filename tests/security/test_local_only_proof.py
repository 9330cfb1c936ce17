"""In local-only mode not a packet leaves a network of its own; without it each act is seen there."""

from __future__ import annotations

from tests.common.own_network import require_own_network
from tests.security.local_only_proof import left, proof, unseen


def test_no_packet_leaves_in_local_only_mode_whatever_is_configured() -> None:
    require_own_network()
    found = proof()
    kept, free = found["with the mode"], found["without it"]
    assert left(kept) == []
    assert unseen(free["sent"], free["addresses"], free["names"]) == []
    assert sum(len(acts) for group, acts in free["sent"].items() if group != "inside") >= 38
    for run in (kept, free):
        assert run["packets inside"] > 0
        assert all(run["came"][name] == "done: b'ok'" for name in run["sent"]["inside"]), run["came"]
    # What goes through our own client was refused there, in words, before the guard had to.
    assert kept["refused by the guard"]["first_line"] == 0
    assert kept["refused by the guard"]["by_themselves"] >= len(kept["sent"]["by_themselves"])
    assert "Local-only mode: '" in kept["came"]["SAML metadata"]
    assert free["refused by the guard"] == dict.fromkeys(free["sent"], 0)
