"""A whole installation by `manage.py up`, with everything configured outside, for `local_only_proof --up`.

`furnished` fills its database; `visit` is what people and programs do with it over HTTP; `requested` has each
source synced by the worker. The first and the last need settings that were read: they run as own processes.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.common.ssrf_askers import SOURCES, settings_naming

REPOSITORY = Path(__file__).resolve().parents[2]
PORT = 8790
PASSWORD = "a long passphrase of the test"
WHOLE_S = 150.0
_OPEN = ("pending", "running")
_FURNISH = "import django; django.setup(); from tests.security.local_only_start import furnished; furnished()"
_REQUEST = "import django; django.setup(); from tests.security.local_only_start import requested; requested()"


def places() -> dict[str, str]:
    """Where each is configured to be, by its name; all outside."""
    names = [
        f"{kind} {number}"
        for kind in sorted(SOURCES)
        for number in range(len(list(settings_naming(kind, "a"))))
    ]
    names += ["language model", "SAML metadata", "OpenID issuer", "LDAP directory"]
    return {name: f"93.184.10.{number}" for number, name in enumerate(names, start=1)}


def furnished() -> None:
    """Accounts, a source inside, and sources, a model and sign-ins outside; prints a key of the API."""
    from assistant.accounts.api_keys import issue_key  # noqa: PLC0415 - settings come first
    from assistant.accounts.models import Role, User  # noqa: PLC0415
    from assistant.catalogue.models import LanguageModel  # noqa: PLC0415
    from assistant.identity.kinds import KINDS  # noqa: PLC0415
    from assistant.identity.models import IdentityProvider  # noqa: PLC0415
    from assistant.sync.services import add_source  # noqa: PLC0415
    from connectors.registry import connector_kind  # noqa: PLC0415

    where = places()
    ada = User.objects.create_user("ada@example.com", PASSWORD, name="Ada", role=Role.ADMINISTRATOR)
    file = Path(os.environ["MUNDAP_HOME"]) / "handbook.jsonl"
    line = {"id": "a", "title": "Remote work", "text": "Employees may work from home two days a week.",
            "acl": {"allow": ["everyone"]}}  # fmt: skip
    file.write_text(json.dumps(line), encoding="utf-8")
    add_source(kind="jsonl", name="Handbook", config={"path": str(file)}, actor="test")
    for kind in sorted(SOURCES):
        fields = connector_kind(kind).fields
        secrets = {each.name: "sesame" for each in fields if each.type.value == "secret" and each.required}
        for number in range(len(list(settings_naming(kind, "a")))):
            name = f"{kind} {number}"
            config = list(settings_naming(kind, where[name]))[number]
            add_source(kind=kind, name=name, config=config, secrets=secrets, actor="test")
    LanguageModel.objects.create(
        name="Far",
        kind="openai-compatible",
        address=f"http://{where['language model']}/v1",
        server_model="m",
        for_everyone=True,
    )
    for slug, kind, given in (
        ("saml", "saml", {"metadata_url": f"http://{where['SAML metadata']}/m"}),
        ("oidc", "oidc", {"issuer": f"http://{where['OpenID issuer']}", "client_id": "a"}),
        ("ldap", "ldap", {"url": f"ldaps://{where['LDAP directory']}", "base": "dc=a"}),
    ):
        usual = {field.name: field.default for field in KINDS[kind].load().FIELDS}
        IdentityProvider.objects.create(
            slug=slug,
            kind=kind,
            name=slug,
            is_open=True,
            settings={**usual, **given},
            domains=["far.example.com"],
        )
    print(issue_key(user_id=ada.pk, name="test", days=1, actor="test").text)


def requested() -> None:
    """Ask for a run of every source, which the worker does, and have the sign-ins' metadata read."""
    from assistant.identity.tasks import refresh_providers  # noqa: PLC0415 - settings come first
    from assistant.sync.models import Source  # noqa: PLC0415
    from assistant.sync.services import request_run  # noqa: PLC0415

    for source_id in Source.objects.values_list("pk", flat=True):
        request_run(source_id=source_id, kind="full", actor="test")
    refresh_providers.delay()


def started(home: Path, settings: dict[str, str], *, enough: Callable[[], bool]) -> dict[str, Any]:
    """Start, use and stop it. `enough`: nothing more is waited for."""
    environment = {
        **settings,
        "MUNDAP_HOME": str(home),
        "MUNDAP_PORT": str(PORT),
        "MUNDAP_DEMO": "0",
        "MUNDAP_REQUIRE_SECOND_FACTOR": "nobody",
        "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
    }
    _program(environment, "manage.py", "prepare")
    key = _program(environment, "-c", _FURNISH).split()[-1]
    with _up(environment, home) as screen:
        ready = "Mundap is ready"
        _wait(lambda: ready in screen.read_text(encoding="utf-8"), WHOLE_S, f"“{ready}”", screen=screen)
        _program(environment, "-c", _REQUEST)
        answers = visit(key)
        _wait(lambda: enough() or not _open_runs(home), WHOLE_S, "the end of all runs", screen=screen)
        again = visit(key)  # what was synced meanwhile is found
        time.sleep(6)  # the scheduler sweeps every five seconds
    return {
        "answers": {**answers, **{f"{name} again": status for name, status in again.items()}},
        "runs": _runs(home),
        "refused by the guard": sum(
            log.read_text(encoding="utf-8", errors="replace").count("Local-only mode refused ")
            for log in (home / "logs").iterdir()
        ),
        "named at the start": (home / "logs" / "web.log")
        .read_text(encoding="utf-8")
        .count(" is kept from its server"),
    }


def flaws(kept: dict[str, Any]) -> list[str]:
    """What is not as it should be in local-only mode, apart from the packets."""
    found = [f"{name} ended as {state}: {detail}" for name, (state, detail) in kept["runs"].items()
             if name != "Handbook" and (state != "failed" or "Local-only mode: " not in detail)]  # fmt: skip
    if kept["runs"].get("Handbook", ("", ""))[0] != "succeeded" or len(kept["runs"]) < len(SOURCES):
        found.append("not everything was synced")
    found += [f"{name}: {answer}" for name, answer in kept["answers"].items()
              if name in ("search again", "ask again") and not answer.startswith("200 True")]  # fmt: skip
    if kept["named at the start"] != len(places()):
        found.append("not everything outside was named at the start")
    return found if not kept["refused by the guard"] else [*found, "something came as far as the guard"]


def visit(key: str) -> dict[str, str]:
    """People and programs: signing in, pages, searching, asking. By name, what came of it."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar := CookieJar()))
    site = f"http://127.0.0.1:{PORT}"

    def ask(path: str, form: dict[str, str] | None = None, *, key: str = "") -> str:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if form is not None and not key:
            token = next((str(each.value) for each in jar if each.name == "csrftoken"), "")
            form = {**form, "csrfmiddlewaretoken": token}
        body = None if form is None else urlencode(form).encode()
        if key and form is not None:
            body, headers["Content-Type"] = json.dumps(form).encode(), "application/json"
        request = urllib.request.Request(site + path, body, headers)
        try:
            with browser.open(request, timeout=60) as answer:
                return f"{answer.status} {answer.read(100_000).decode('utf-8', 'replace')}"
        except urllib.error.HTTPError as error:
            return f"{error.code} {error.read(2_000).decode('utf-8', 'replace')}"

    asked = {"question": "How many days may employees work from home?"}
    seen = {
        "sign-in page": ask("/sign-in/"),
        "sign-in by a directory": ask("/sign-in/", {"email": "a@far.example.com", "password": PASSWORD}),
        "sign-in by OpenID": ask("/sign-in/oidc/oidc/begin/"),
        "sign-in": ask("/sign-in/", {"email": "ada@example.com", "password": PASSWORD}),
        "home": ask("/"),
        "console": ask("/console/"),
        "models": ask("/console/models/"),
        "search": ask("/api/v1/search?q=home", key=key),
        "ask": ask("/api/v1/ask", asked, key=key),
        "ask a model outside": ask("/api/v1/ask", {**asked, "model": "Far"}, key=key),
    }
    return {name: f"{text[:3]} {'two days' in text} {'Local only' in text}" for name, text in seen.items()}


@contextmanager
def _up(environment: dict[str, str], home: Path) -> Iterator[Path]:
    screen = home / "screen"
    with (
        screen.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "manage.py", "up", "--no-demo"],
            cwd=REPOSITORY, env=environment, stdout=output, stderr=subprocess.STDOUT,
        ) as running,
    ):  # fmt: skip
        try:
            yield screen
        finally:
            running.send_signal(signal.SIGINT)
            try:
                running.wait(30)
            except subprocess.TimeoutExpired:
                running.kill()


def _program(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3_000:])
    return done.stdout


def _wait(happened: Callable[[], bool], seconds: float, what: str, *, screen: Path) -> None:
    """Until it happened.

    Raises:
        RuntimeError: it did not in this time. Says what was waited for, and what the installation wrote last.
    """
    until = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > until:
            written = screen.read_text(encoding="utf-8", errors="replace")[-2_000:]
            raise RuntimeError(f"{what}: not within {seconds:.0f} s. Last on the screen:\n{written}")
        time.sleep(0.2)


def _open_runs(home: Path) -> bool:
    return any(state in _OPEN for state, _ in _runs(home).values())


def _runs(home: Path) -> dict[str, tuple[str, str]]:
    """By source, how its run ended and what was said."""
    query = (
        "SELECT c.name, r.state, r.detail FROM sync_syncrun r "
        "JOIN accounts_connection c ON c.id = r.source_id ORDER BY r.id"
    )
    with closing(sqlite3.connect(home / "mundap.sqlite3", timeout=30)) as rows:
        return {name: (state, detail[:200]) for name, state, detail in rows.execute(query)}
