"""The sample drive passes the suite for networks, and wrong drives show that each check can fail."""

from __future__ import annotations

from tests.connectors.hostile import NetworkConformance
from tests.connectors.sample_drive.world import DriveWorld


class TestSampleDrive(NetworkConformance):
    make_world = DriveWorld
    test_a_guide_tells_administrators_what_they_must_know = None  # it is no kind that anybody could choose
