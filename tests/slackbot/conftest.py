"""A Slack for every test of this folder: a test fails for each call that Slack would have refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.slackbot.simulator.deliveries import Timing
from tests.slackbot.simulator.simulator import Simulator

# Slack waits three seconds. A busy machine is given longer; how long it took is in each attempt.
QUICK = Timing(acknowledge_within=10.0, retry_after=(0.0, 0.05, 0.1))


@pytest.fixture
def slack() -> Iterator[Simulator]:
    """The simulator. Faults that a test means to cause are taken back with `slack.excuse(...)`."""
    with Simulator(QUICK) as simulator:
        yield simulator
    assert not simulator.faults, "Slack would refuse:\n" + "\n".join(map(str, simulator.faults))
