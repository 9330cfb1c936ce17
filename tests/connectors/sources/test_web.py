"""Web sites under a real server and under one that misbehaves."""

from __future__ import annotations

from tests.connectors.sources.audience_suite import AudienceConformance
from tests.connectors.sources.web_world import WebWorld


class TestWeb(AudienceConformance):
    make_world = WebWorld
