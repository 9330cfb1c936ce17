"""How soon an export begins and what memory it takes, by a real server: a person's data, and the audit log.

    python -m tests.bench.export_streams [--conversations 200] [--entries 50000] [--out FILE]

Prints JSON. `raised_mib` is how far the server's memory rose above what it held before the request.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import random
import re
import string
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.browser.server import REPOSITORY, environment_of, wait_for
from tests.connectors.servers.programs import free_port

TURNS, EVENTS, LENGTH = 5, 20, 1_000
TOKEN = "a" * 32


def fill(conversations: int, entries: int) -> str:
    """A person with long conversations, and a long audit log, in this home. Their session."""
    import django  # noqa: PLC0415 - the settings must be in the environment first

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from assistant.accounts.models import Role, User  # noqa: PLC0415
    from assistant.audit.chaining import chain_new  # noqa: PLC0415
    from assistant.audit.trail import Event, record  # noqa: PLC0415
    from assistant.chat.models import Conversation, StoredEvent, Turn, TurnState  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    user = User.objects.create_user("ann@example.com", None, role=Role.AUDITOR)
    draw = random.Random(7)
    letters = string.ascii_letters + string.digits
    for number in range(conversations):
        conversation = Conversation.objects.create(user=user, title=f"Conversation {number}")
        for _ in range(TURNS):
            turn = Turn.objects.create(
                conversation=conversation,
                question="?",
                language="en",
                model="extractive",
                state=TurnState.DONE,
            )
            said = ["".join(draw.choices(letters, k=LENGTH)) for _ in range(EVENTS)]
            StoredEvent.objects.bulk_create(
                StoredEvent(
                    turn=turn, seq=seq, kind="token", payload={"text": text, "citations": [], "quoted": False}
                )
                for seq, text in enumerate(said, 1)
            )
            StoredEvent.objects.create(turn=turn, seq=EVENTS + 1, kind="done", payload={})
    for _ in range(entries):
        record(Event.SIGNED_IN, actor_id=user.pk, actor=user.email)
    chain_new()
    browser = Client()
    browser.force_login(user)
    return str(browser.cookies["sessionid"].value)


def asked(port: int, server: int, path: str, session: str) -> dict[str, float]:
    """One export."""
    memory = Path(f"/proc/{server}/status")

    def mib(name: str) -> float:
        found = re.search(rf"{name}:\s+(\d+) kB", memory.read_text())
        assert found
        return int(found[1]) / 1024

    Path(f"/proc/{server}/clear_refs").write_text("5")  # the peak begins anew
    held = mib("VmRSS")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    began = time.monotonic()
    headers = {"Cookie": f"sessionid={session}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN}
    connection.request("POST", path, headers=headers)
    answer = connection.getresponse()
    first = answer.read(1)
    first_s, size = time.monotonic() - began, len(first)
    assert answer.status == 200, answer.status
    while piece := answer.read(1 << 20):
        size += len(piece)
    whole_s = time.monotonic() - began
    connection.close()
    return {
        "mib": round(size / 2**20, 1),
        "first_byte_s": round(first_s, 3),
        "whole_s": round(whole_s, 2),
        "raised_mib": round(mib("VmHWM") - held, 1),
    }


def main() -> None:
    """Measure, in a home of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.fill:
        print(fill(wanted.conversations, wanted.entries))
        return
    with tempfile.TemporaryDirectory() as home:
        environment, port = environment_of(Path(home)), free_port()
        filling = [sys.executable, "-m", "tests.bench.export_streams", "--fill"]
        filling += ["--conversations", str(wanted.conversations), "--entries", str(wanted.entries)]
        session = subprocess.check_output(filling, cwd=REPOSITORY, env=environment, text=True).strip()
        command = [sys.executable, "-m", "uvicorn", "assistant.config.asgi:application", "--port", str(port)]
        server = subprocess.Popen([*command, "--log-level", "error"], cwd=REPOSITORY, env=environment)
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz", server)
            paths = ("/console/audit/export/", "/my-data/")
            found = {path: asked(port, server.pid, path, session) for path in paths}
        finally:
            server.terminate()
            server.wait(timeout=20)
    report = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "exports": found}
    print(json.dumps(report, indent=2))
    if wanted.out:
        wanted.out.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
