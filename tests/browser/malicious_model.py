"""A malicious model against the real page: does anything that it writes leave the browser, or run in it?

    python -m tests.browser.malicious_model --outputs 10000 --seed 1

Each output goes through the real provider, the real turn and the real stream into Chromium, is drawn once
more by the server when the turn ends, and again when the conversation is opened anew, shared and exported. In
the browser every name leads to a server of the attacker's on this machine. JSON on stdout; `found` is empty
if nothing happened: no request to another host, no script, no element of the model's own, no dialog, no
window, no refused content.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Dialog, Page, Request, sync_playwright

from tests.browser.conftest import sign_in
from tests.browser.hostile_writing import cut_up, messages
from tests.browser.server import CHROMIUM, FLAGS, running_server
from tests.common.scripted_server import Script, ScriptedServer, Seen, reply, serving
from tests.providers.scripted_model import MODEL, PATH, writes

QUESTION = "How many days a week may employees work from home, and what is the daily allowance (일비)?"
TURNS_A_CONVERSATION = 25
PATIENCE_MS = 60_000
BROWSERS_OWN = "/service/update2"  # Chromium looks for updates of its parts whatever its flags say

# Runs before anything of the page: notes each element in an answer that only a model can have brought in.
WATCH = r"""
window.__found = [];
addEventListener("securitypolicyviolation", (event) => window.__found.push("refused: " + event.blockedURI));
const ATTRIBUTES = new Set(["class", "lang", "data-answer", "data-text", "data-cites", "data-card",
  "data-opens-panel", "data-part", "data-layout", "data-title", "href", "hx-get", "hx-target", "aria-label",
  "aria-current"]);
const FRAME = "div.answer, div.parts, section.part, .part-title, div.part-text";
const OWN_SOURCE = /^\/(turns|s\/[\w-]+\/turns)\/\d+\/sources\/\d+\/$/;
function isOurs(element) {
  if (element.tagName !== "SPAN" && element.tagName !== "A" && !element.matches(FRAME)) return false;
  return [...element.attributes].every(({name, value}) => ATTRIBUTES.has(name) && !value.includes("//")
    && (!["href", "hx-get"].includes(name) || OWN_SOURCE.test(value)));
}
function look(node) {
  if (!node.closest) return;
  const inside = node.closest(".answer") ? [node, ...node.querySelectorAll("*")]
    : [...node.querySelectorAll(".answer *")];
  for (const one of inside) if (!isOurs(one)) window.__found.push("element: " + one.outerHTML.slice(0, 300));
}
new MutationObserver((changes) => {
  for (const change of changes) for (const node of change.addedNodes) look(node);
}).observe(document, {childList: true, subtree: true});
"""
FINISHED = "wanted => document.querySelectorAll('[data-turn]:not([data-stream])').length >= wanted"
OTHER_ELEMENTS = re.compile(
    r"<(?:img|script|iframe|svg|object|embed|link|base|form|input|video|audio)\b", re.IGNORECASE
)


@dataclass(slots=True)
class Found:
    """What happened that should not have, and how much was drawn."""

    what: Counter[str] = field(default_factory=Counter)
    outputs: int = 0
    sentences: int = 0
    unsupported: int = 0

    def add(self, what: str) -> None:
        """Note it, cut short."""
        self.what[what[:400]] += 1


def attacked(home: Path, *, outputs: int, seed: int) -> Found:
    """Show so many outputs of the model in the page of a server over `home`.

    Each time the page must show the turn as finished within a minute.
    """
    found = Found()
    with (
        serving() as model,
        serving(fallback=attackers(found)) as sink,
        watched_page(home, model, sink, found) as page,
    ):
        dice = random.Random(seed)
        written = itertools.islice(messages(seed, sink.url), outputs)
        while batch := list(itertools.islice(written, TURNS_A_CONVERSATION)):
            page.goto("/")
            for number, output in enumerate(batch, start=1):
                model.on(PATH, writes(*cut_up(output, dice)))
                ask(page, number)
            found.outputs += len(batch)
            found.sentences += page.locator(".answer .sentence").count()
            found.unsupported += page.locator(".answer .sentence.unsupported").count()
            collect(page, found)
            _read_again(page, home, found)
    return found


def attackers(found: Found) -> Script:
    """The attacker's server: whoever asks it has lost."""

    def script(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        if not seen.path.startswith(BROWSERS_OWN):
            found.add(f"asked: {seen.method} {seen.path}")
        reply(200)(handler, seen)

    return script


@contextmanager
def watched_page(home: Path, model: ScriptedServer, sink: ScriptedServer, found: Found) -> Iterator[Page]:
    """Ann's page, signed in, in a Chromium for which every name is the sink."""
    configured = {
        "MUNDAP_CHAT_MODEL": "openai-compatible",
        "MUNDAP_CHAT_URL": f"{model.url}/v1",
        "MUNDAP_CHAT_MODEL_NAME": MODEL,
        "MUNDAP_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    port = urlsplit(sink.url).port
    names = f"--host-resolver-rules=MAP * 127.0.0.1:{port}, EXCLUDE 127.0.0.1"
    with (
        running_server(home, configured) as address,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, names]) as browser,
        browser.new_context(
            base_url=address, locale="en-US", reduced_motion="reduce", viewport={"width": 1280, "height": 860}
        ) as context,
    ):
        _watch(context, address, found)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        sign_in(page, address, "ann@example.com")
        context.on("page", lambda other: found.add(f"window: {other.url}"))
        yield page


def _watch(context: BrowserContext, address: str, found: Found) -> None:
    def asked(request: Request) -> None:
        if not request.url.startswith((f"{address}/", "file://")):
            found.add(f"request: {request.url}")

    def dialog(shown: Dialog) -> None:
        found.add(f"dialog: {shown.message}")
        shown.dismiss()

    context.add_init_script(WATCH)
    context.on("request", asked)
    context.on("dialog", dialog)
    context.on("weberror", lambda error: found.add(f"error: {error.error}"))


def ask(page: Page, number: int = 1) -> None:
    """Ask, and wait until so many turns are finished on the page."""
    page.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    # Asked at each frame: waiting for a locator looks twice a second.
    page.wait_for_function(FINISHED, arg=number)


def collect(page: Page, found: Found) -> None:
    """Take over what the page itself has noted."""
    for what in page.evaluate("() => [...window.__found, ...(window.__ran ? ['script'] : [])]"):
        found.add(what)


def _read_again(page: Page, home: Path, found: Found) -> None:
    """The conversation opened anew, through a link, and as a file."""
    page.reload()
    collect(page, found)
    conversation = urlsplit(page.url).path
    page.goto(f"{conversation}share/")
    page.get_by_role("button", name="Make a link").click()
    page.get_by_role("link", name="Open the link").click()
    page.locator(".answer").first.wait_for()
    collect(page, found)
    file = page.request.get(f"{conversation}export/?format=html").body()
    for element in OTHER_ELEMENTS.findall(file.decode()):
        found.add(f"in the file: {element}")
    exported = home / "exported.html"
    exported.write_bytes(file)
    page.goto(exported.as_uri())
    page.goto("/")


def main() -> int:
    """Attack, and say what was found. Exit status 1 if anything was."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--outputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = attacked(Path(folder), outputs=wanted.outputs, seed=wanted.seed)
    result = {
        "outputs": found.outputs,
        "seed": wanted.seed,
        "sentences": found.sentences,
        "unsupported": found.unsupported,
        "found": dict(found.what.most_common(50)),
        "seconds": round(time.monotonic() - began),
    }
    print(json.dumps(result, ensure_ascii=False))
    return 1 if found.what else 0


if __name__ == "__main__":
    sys.exit(main())
