"""No address inside is reached, however it is written, redirected to or resolved, in a network of its own."""

from __future__ import annotations

from tests.common.own_network import require_own_network
from tests.common.ssrf_matrix import matrix


def test_no_address_inside_is_reached_by_any_notation_redirect_name_or_connector() -> None:
    require_own_network()
    found = matrix(short=True)
    assert found["reached"] == {}, found["examples"]
    assert all(found["control"].values()), found["control"]
    comes = found["askers that reach where everything is allowed"]
    assert len(comes) >= 16
    assert all(comes.values()), comes
    assert found["rebinding"]["answered by a public address"] > 0
