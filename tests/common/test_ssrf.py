"""No address inside is reached, however it is written, redirected to or resolved, in a network of its own."""

from __future__ import annotations

from tests.common.ssrf_matrix import matrix, own_network
from tests.connectors.servers.programs import missing


def test_no_address_inside_is_reached_by_any_notation_redirect_name_or_connector() -> None:
    if not own_network():
        missing("needs unshare (util-linux), ip (iproute2) and a kernel that lets users make namespaces")
    found = matrix(short=True)
    assert found["reached"] == {}, found["examples"]
    assert all(found["control"].values()), found["control"]
    comes = found["askers that reach where everything is allowed"]
    assert len(comes) >= 16
    assert all(comes.values()), comes
    assert found["rebinding"]["answered by a public address"] > 0
