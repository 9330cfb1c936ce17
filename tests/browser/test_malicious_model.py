"""Nothing that a malicious model writes leaves the browser or runs in it: the short form of the long run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.malicious_model import Found, ask, attacked, attackers, collect, watched_page
from tests.common.scripted_server import serving
from tests.providers.scripted_model import PATH, writes

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("installed")]

OUTPUTS = 25
# What a page would do that took a model at its word.
CARELESS = """([address]) => { document.querySelector(".answer").innerHTML
  += `<img src="${address}/x"><b onclick="1">x</b>`; }"""


def test_nothing_that_a_model_writes_asks_another_host_or_runs(tmp_path: Path) -> None:
    found = attacked(tmp_path, outputs=OUTPUTS, seed=20)
    assert found.what == {}
    assert found.outputs == OUTPUTS
    assert found.sentences > found.unsupported > OUTPUTS / 2


def test_the_watch_would_notice_a_page_that_believes_a_model(tmp_path: Path) -> None:
    found = Found()
    with (
        serving() as model,
        serving(fallback=attackers(found)) as sink,
        watched_page(tmp_path, model, sink, found) as page,
    ):
        model.on(PATH, writes("Employees may work from home two days a week [1]."))
        ask(page)
        collect(page, found)
        assert found.what == {}
        page.evaluate(CARELESS, [sink.url])
        page.wait_for_timeout(500)
        collect(page, found)
    kinds = {what.partition(":")[0] for what in found.what}
    assert {"element", "refused"} <= kinds
