"""Script payloads in everything that a page may show, in Chromium: none runs, none reaches another host.

    python -m tests.browser.payloads --count 2000 --seed 1

They are planted into what is stored (`payload_world`), written live by a hostile model, and sent in
addresses, forms and errors. Every page that shows them is opened as an employee or as an administrator, in
Korean or in English, and once more with the Content-Security-Policy taken away, so that escaping alone must
hold. Each must have been drawn somewhere. As a control the same payloads are written raw into a page: there
they run.

JSON on stdout; `found` is empty if nothing happened. Exit status 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Dialog,
    Page,
    Request,
    Route,
    StorageState,
    sync_playwright,
)
from playwright.sync_api import Error as BrowserError

from tests.browser.conftest import sign_in
from tests.browser.malicious_model import BROWSERS_OWN, FINISHED, QUESTION
from tests.browser.payload_sending import SENT, send
from tests.browser.payload_world import ALONE, PAGES, PLANTED, STORED
from tests.browser.payload_writing import HOST, MARK, Payload, payloads
from tests.browser.server import CHROMIUM, FLAGS, REPOSITORY, environment_of, fill, served
from tests.common.scripted_server import Script, ScriptedServer, Seen, reply, serving
from tests.providers.scripted_model import MODEL, PATH, writes

LIVE = "what a model writes"
PEOPLE = ("ann@example.com", "ada@example.com")
_BROWSERS_CHECK = "/generate_204"  # Chromium asks whether there is an internet
_PATIENCE_MS = 60_000
_PLANTING_S = 1_200
_UNCLEAN = dict.fromkeys(
    (*range(0x20), 0x7F, *range(0x202A, 0x202F), *range(0x2028, 0x202A), *range(0x2066, 0x206A))
)
# What the page says of itself: which marks it drew, which scripts ran, and which elements a payload made.
_LOOK = r"""
() => {
  const mark = /zq\d{5}z/g, found = [], drawn = new Set(document.documentElement.outerHTML.match(mark) || []);
  for (const one of document.documentElement.textContent.match(mark) || []) drawn.add(one);  // across <wbr>
  for (const field of document.querySelectorAll("input, textarea"))
    for (const one of field.value.match(mark) || []) drawn.add(one);
  for (const name of Object.keys(window)) if (name.match(/^zq\d{5}z$/)) found.push(["ran", name]);
  const active = new Set(["src", "srcset", "srcdoc", "style", "action", "formaction", "data", "ping",
    "poster", "background", "content", "to", "values", "http-equiv", "nonce", "integrity", "xlink:href"]);
  for (const element of document.querySelectorAll("*")) for (const {name, value} of element.attributes) {
    const ones = (name + " " + value).match(mark);
    if (!ones) continue;
    const plain = element.matches("meta[name]") && name === "content";
    let bad = name.startsWith("on") || (active.has(name) && !plain)
      || /^(data-)?hx-(on|vals|headers|trigger)/.test(name);
    if (name === "href" || /^(data-)?hx-(get|post|put|delete|patch)$/.test(name)) {
      const to = new URL(value, document.baseURI);
      // The one way out: a link of a document to where it was found, followed by nobody but its reader.
      const source = to.host === "wiki.example"
        && element.matches("a[target=_blank][rel~=noopener][rel~=noreferrer]");
      bad = to.origin !== location.origin && !(source && name === "href");
    }
    if (bad) found.push(["made " + element.tagName + " " + name, ones[0]]);
  }
  return [[...drawn], found];
}
"""
_WATCH = """
addEventListener("securitypolicyviolation", (event) => window.__refused(
  event.violatedDirective + " " + event.blockedURI + " " + event.sample));
"""


@dataclass(slots=True)
class Found:
    """What happened that should not have, and what was looked at."""

    what: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)  # what only the policy stopped
    drawn: set[str] = field(default_factory=set)
    pages: int = 0
    control: set[str] = field(default_factory=set)  # marks that ran or left from a page without escaping

    def add(self, what: str) -> None:
        """Note it, cut short."""
        self.what[what[:300]] += 1


def allotted(count: int, seed: int) -> dict[str, list[Payload]]:
    """As many payloads for each sink, by turns; one for those that hold one text."""
    rooms = {**STORED, LIVE: (1_000, True), **{name: (most, True) for name, most in SENT.items()}}
    many = [name for name in rooms if name not in ALONE]
    shares = dict.fromkeys(ALONE, 1) | {
        name: (count - len(ALONE)) // len(many) + (number < (count - len(ALONE)) % len(many))
        for number, name in enumerate(many)
    }
    planted: dict[str, list[Payload]] = {}
    first = 0
    for name, (most, takes_controls) in rooms.items():
        made = payloads(seed, shares[name], most=most, first=first)
        first += len(made)
        if not takes_controls:
            made = [Payload(one.mark, one.family, one.text.translate(_UNCLEAN).strip()) for one in made]
        planted[name] = made
    return planted


def attacked(home: Path, planted: dict[str, list[Payload]], *, both: bool = True) -> Found:
    """Plant them in a server over `home` and open every page.

    Not `both`: each page once, with the policy or without it by turns.
    """
    found = Found()
    fill(home)
    texts = {name: [one.text for one in some] for name, some in planted.items()}
    (home / PLANTED).write_text(json.dumps(texts), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "tests.browser.payload_world"],
        cwd=REPOSITORY,
        env=environment_of(home),
        check=True,
        timeout=_PLANTING_S,
    )
    pages: dict[str, list[str]] = json.loads((home / PAGES).read_text(encoding="utf-8"))
    with serving() as model, serving(fallback=attackers(found)) as sink:
        settings = {
            "MUNDAP_CHAT_MODEL": "openai-compatible",
            "MUNDAP_CHAT_URL": f"{model.url}/v1",
            "MUNDAP_CHAT_MODEL_NAME": MODEL,
            "MUNDAP_ALLOWED_NETWORKS": "127.0.0.0/8",
            "MUNDAP_LOG_LEVEL": "ERROR",
        }
        log = home / "network.json"
        with (
            serving(fallback=reply(200)) as raw,
            served(home, settings) as address,
            _chromium(sink, log) as browser,
        ):
            states = {who: _signed_in(browser, address, who) for who in PEOPLE}
            with _pages(browser, address, found, states["ann@example.com"], "en-US") as page:
                written = _written_live(page, model, planted[LIVE], found, home)
            for who in PEOPLE:
                paths = [*pages[who], *(written if who == PEOPLE[0] else ())]
                # Without the policy every page; with it each in one of the two languages, by turns.
                for language, without_policy, some in (
                    ("en-US", True, paths if both else paths[1::2]),
                    ("ko-KR", False, paths[::2]),
                    ("en-US", False, paths[1::2] if both else []),
                ):
                    with _pages(browser, address, found, states[who], language, without_policy) as page:
                        _open_all(page, some, found, home)
                        if language == "en-US" and (both or without_policy):
                            send(page, who, planted, partial(_look, page, found))
            _control(browser, raw, planted, found, most=150 if both else 30)
        _resolved(log, found)
    return found


def attackers(found: Found) -> Script:
    """The attacker's server: whoever asks it has lost."""

    def script(handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        if not seen.path.startswith((BROWSERS_OWN, _BROWSERS_CHECK)):
            found.add(f"asked: {seen.method} {seen.headers.get('host')} {seen.path}")
        reply(200)(handler, seen)

    return script


@contextmanager
def _chromium(sink: ScriptedServer, log: Path) -> Iterator[Browser]:
    """For which every name is the sink, and which writes down every name that it looks up."""
    names = f"--host-resolver-rules=MAP * 127.0.0.1:{urlsplit(sink.url).port}, EXCLUDE 127.0.0.1"
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=[*FLAGS, names, f"--log-net-log={log}"]
        ) as browser,
    ):
        yield browser


def _signed_in(browser: Browser, address: str, who: str) -> StorageState:
    with browser.new_context(locale="en-US") as context:
        sign_in(context.new_page(), address, who)
        return context.storage_state()


@contextmanager
def _pages(  # noqa: PLR0917 - what a visit is
    browser: Browser,
    address: str,
    found: Found,
    state: StorageState,
    language: str,
    without_policy: bool = False,
) -> Iterator[Page]:
    with browser.new_context(
        base_url=address,
        locale=language,
        storage_state=state,
        bypass_csp=without_policy,
        reduced_motion="reduce",
    ) as context:
        _watch(context, address, found)
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        context.on("page", lambda other: found.add(f"window: {other.url}"))
        yield page


def _watch(context: BrowserContext, address: str, found: Found) -> None:
    def asked(request: Request) -> None:
        if not request.url.startswith((f"{address}/", "file://", "blob:", "about:")):
            found.add(f"request: {request.url}")

    def dialog(shown: Dialog) -> None:
        found.add(f"dialog: {shown.message}")
        shown.dismiss()

    def refused(what: str) -> None:
        found.refused[what[:300]] += 1

    context.expose_function("__refused", refused)
    context.add_init_script(_WATCH)
    context.on("request", asked)
    context.on("dialog", dialog)
    context.on("weberror", lambda error: found.add(f"error: {error.error}"))


def _open_all(page: Page, paths: Iterable[str], found: Found, home: Path) -> None:
    for path in paths:
        if "format=" in path:
            _open_file(page, path, found, home)
            continue
        answer = page.goto(path)
        assert answer is not None
        if answer.status != 200:
            found.add(f"status {answer.status}: {path}")
        _look(page, found)


def _open_file(page: Page, path: str, found: Found, home: Path) -> None:
    """A downloaded file: opened from the disk, and as it would be if a server showed it."""
    answer = page.request.get(path)
    body = answer.body()
    found.drawn |= set(MARK.findall(body.decode(errors="replace")))
    ending = path.rpartition("=")[2]
    file = home / f"exported.{ending}"
    file.write_bytes(body)
    if ending == "html":
        page.goto(file.as_uri())
        _look(page, found)
    shown = f"/shown-{ending}"
    # Whatever its name, it is read as a page: the worst that a server or a browser could make of it.
    kind = answer.headers["content-type"] if ending != "html" else "text/html; charset=utf-8"
    page.route(f"**{shown}", lambda route: _fulfilled(route, body, kind))
    page.goto(shown)
    _look(page, found)
    page.unroute(f"**{shown}")


def _fulfilled(route: Route, body: bytes, kind: str) -> None:
    route.fulfill(body=body, content_type=kind)


def _look(page: Page, found: Found) -> None:
    found.pages += 1
    try:
        drawn, happened = page.evaluate(_LOOK)
    except BrowserError as error:
        found.add(f"the page went away: {page.url} {error}")
        return
    found.drawn |= set(drawn)
    for what, mark in happened:
        found.add(f"{what} {mark} on {urlsplit(page.url).path}")


def _written_live(
    page: Page, model: ScriptedServer, planted: list[Payload], found: Found, home: Path
) -> list[str]:
    """Let the model write each into the open page; gives back the paths of the conversations."""
    paths = []
    for start in range(0, len(planted), 15):
        page.goto("/")
        for number, one in enumerate(planted[start : start + 15], start=1):
            model.on(PATH, writes("Employees may work from home two days a week [1]. ", one.text, " [1]."))
            page.get_by_label("Your question").fill(QUESTION)
            page.keyboard.press("Enter")
            page.wait_for_function(FINISHED, arg=number)
        _look(page, found)
        path = urlsplit(page.url).path
        paths += [path, f"{path}export/?format=html"]
    return paths


def _control(
    browser: Browser, server: ScriptedServer, planted: dict[str, list[Payload]], found: Found, *, most: int
) -> None:
    """About `most` payloads where nothing is escaped and no policy stands: what do the detectors see?"""
    every = [one for some in planted.values() for one in some]
    with browser.new_context() as context:
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))

        def dialog(shown: Dialog) -> None:
            asked.append(shown.message)
            shown.dismiss()

        context.on("dialog", dialog)
        page = context.new_page()
        for one in every[:: max(1, len(every) // most)]:
            control = f"{server.url}/control"
            body = one.text.encode()

            def raw(route: Route) -> None:
                _fulfilled(route, body, "text/html; charset=utf-8")  # noqa: B023 - unrouted in this round

            page.route(control, raw)
            try:
                page.goto(control, wait_until="commit")
                page.wait_for_load_state("load", timeout=2_000)
                _, happened = page.evaluate(_LOOK)
                asked += [f"{what} {mark}" for what, mark in happened]
            except BrowserError:
                pass  # it navigated away, which `asked` has
            page.unroute(control)
    found.control = {mark for what in asked for mark in MARK.findall(what)}
    for what in [what for what in found.what if found.control & set(MARK.findall(what)) and "asked:" in what]:
        del found.what[what]  # by the control: the sink answers for every name


def _resolved(log: Path, found: Found) -> None:
    """Names of the attacker's that Chromium looked up or connected to, the control's left out."""
    text = log.read_text(encoding="utf-8", errors="replace")
    try:
        written = json.loads(text)
    except ValueError:
        written = json.loads(text.rstrip().rstrip(",") + "]}")
    kinds = {number: name for name, number in written["constants"]["logEventTypes"].items()}
    hosts: defaultdict[str, set[str]] = defaultdict(set)
    for event in written["events"]:
        kind = kinds.get(event["type"], "")
        if kind.startswith(("HOST_RESOLVER", "TCP_CONNECT", "SOCKET_POOL", "DNS")):
            for mark in MARK.findall(json.dumps(event.get("params", {}))):
                hosts[mark].add(kind)
    for mark, why in hosts.items():
        if mark not in found.control:
            found.add(f"looked up: {mark}.{HOST} ({sorted(why)[0]})")


def missing(planted: dict[str, list[Payload]], found: Found) -> dict[str, list[str]]:
    """By sink, the payloads that no page drew although it should have."""
    quiet = {name for name in SENT if name.startswith("(")}
    absent = {
        name: [one.text[:80] for one in some if one.mark not in found.drawn]
        for name, some in planted.items()
        if name not in quiet
    }
    return {name: some for name, some in absent.items() if some}


def main() -> int:
    """Attack, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    began = time.monotonic()
    planted = allotted(wanted.count, wanted.seed)
    with tempfile.TemporaryDirectory() as folder:
        found = attacked(Path(folder), planted)
    absent = missing(planted, found)
    result = {
        "payloads": sum(map(len, planted.values())),
        "seed": wanted.seed,
        "sinks": len(planted),
        "families": dict(Counter(one.family for some in planted.values() for one in some)),
        "pages": found.pages,
        "drawn": len(found.drawn & {one.mark for some in planted.values() for one in some}),
        "missing": {name: (len(some), some[:3]) for name, some in absent.items()},
        "stopped by the policy alone": dict(found.refused.most_common(20)),
        "control: ran, was made or left where nothing is escaped": len(found.control),
        "found": dict(found.what.most_common(50)),
        "seconds": round(time.monotonic() - began),
    }
    print(json.dumps(result, ensure_ascii=False, indent=1))
    return 1 if found.what or found.refused or absent else 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")
    sys.exit(main())
