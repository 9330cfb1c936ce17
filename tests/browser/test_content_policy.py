"""What slipped into a page past escaping runs no script, in the browser itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route, expect

pytestmark = pytest.mark.browser

# What an attacker would try: inline, a file of this host, a handler, a link, a frame, a guessed nonce.
PLANTED = """
<script>window.ran = "inline"</script>
<script nonce="">window.ran = "empty nonce"</script>
<script nonce="AAAAAAAAAAAAAAAAAAAAAAAA">window.ran = "guessed nonce"</script>
<script type="module" src="/static/js/dialog.js?planted"></script>
<script src="data:text/javascript,window.ran=1"></script>
<img src="/none.png" onerror="window.ran = 'handler'">
<svg onload="window.ran = 'svg'"></svg>
<iframe srcdoc="<script>parent.ran = 'frame'</script>"></iframe>
<a id="planted" href="javascript:window.ran = 'link'">x</a>
<form id="away" action="https://attacker.example/"><button>send</button></form>
<div hx-get="/healthz" hx-trigger="load" hx-on::after-request="window.ran = 'htmx'"></div>
"""


def test_planted_scripts_do_not_run_and_the_page_still_works(chromium: Browser, address: str) -> None:
    with chromium.new_context(locale="en-US") as context:
        page = context.new_page()
        asked: list[str] = []

        def planted(route: Route) -> None:
            response = route.fetch()
            route.fulfill(response=response, body=response.text().replace("</main>", f"{PLANTED}</main>"))

        page.route("**/sign-in/", planted)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/sign-in/", wait_until="networkidle")
        assert page.locator("#planted").count() == 1
        page.locator("#planted").click()
        page.get_by_role("button", name="Dark").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert page.evaluate("window.ran") is None
        with page.expect_console_message(lambda line: "form-action" in line.text):
            page.locator("#away button").click(no_wait_after=True)
        assert not [url for url in asked if "attacker.example" in url]
