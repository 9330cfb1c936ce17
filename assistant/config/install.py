"""Makes and refreshes `.venv`: `python3 -m assistant.config.install run|test`, called by the Makefile.

Standard library only, because nothing else is there yet. Packages are installed
again only when the requirement files change; an installation that was cut off is
thrown away and made anew, since pip cannot mend half a package.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Iterable
from pathlib import Path

from assistant.config.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv"
CONSTRAINTS = "constraints.txt"
FILES = {"run": ("requirements.txt",), "test": ("requirements-dev.txt", "requirements.txt")}
TAIL_LINES = 25


def main(arguments: list[str]) -> int:
    """Bring `.venv` up to date for `run` or `test`. 0 if it is, 1 if that failed."""
    purpose = arguments[0] if arguments else "run"
    if purpose not in FILES:
        print(f"Unknown purpose '{purpose}'. Known: {', '.join(FILES)}.", file=sys.stderr)  # noqa: T201
        return 2
    if not _is_current(purpose):
        return _install(purpose, Terminal())
    return 0


def wanted(purpose: str) -> str:
    """A digest of everything that decides what gets installed for `purpose`."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {FOLDER}".encode())
    for name in (CONSTRAINTS, *FILES[purpose]):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _stamp() -> Path:
    return FOLDER / "mundap-installed.json"


def _unfinished() -> Path:
    return FOLDER / "mundap-unfinished"


def _is_current(purpose: str) -> bool:
    if _unfinished().exists() or not (FOLDER / "bin" / "python").exists():
        return False
    try:
        installed = json.loads(_stamp().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(installed, dict) and installed.get(purpose) == wanted(purpose)


def _install(purpose: str, terminal: Terminal) -> int:
    began = time.monotonic()
    if _unfinished().exists():
        terminal.say("The last installation was cut off: starting afresh.")
    if _unfinished().exists() or not _python_matches():
        shutil.rmtree(FOLDER, ignore_errors=True)
    if not FOLDER.exists():
        terminal.say(f"Making the environment .venv with Python {sys.version.split()[0]} …")
        venv.create(FOLDER, with_pip=True)
    _unfinished().touch()
    status = _pip(purpose, terminal)
    _unfinished().unlink()  # pip ended by itself and rolled back what it had begun, or all is well
    if status == 0:
        # What tests need includes all that a run needs.
        done = {name: wanted(name) for name in (FILES if purpose == "test" else (purpose,))}
        _stamp().write_text(json.dumps(done), encoding="utf-8")
        terminal.say(f"Packages are installed ({time.monotonic() - began:.0f} s).")
    return status


def _python_matches() -> bool:
    """Whether `.venv` works and is of the Python that runs this."""
    python = FOLDER / "bin" / "python"
    ask = [str(python), "-c", "import pip, sys; print(sys.version_info[:2], sys.prefix)"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    except OSError:
        return False
    return answer.stdout.strip() == f"{sys.version_info[:2]} {FOLDER}"


def _pip(purpose: str, terminal: Terminal) -> int:
    """Run pip with short progress lines; its own words only if it fails."""
    command = [
        *(str(FOLDER / "bin" / "python"), "-m", "pip", "install", "--no-input"),
        *("--disable-pip-version-check", "--progress-bar", "off"),
        *("-c", CONSTRAINTS, "-r", FILES[purpose][0]),
    ]
    terminal.say("Installing the packages of " + FILES[purpose][0] + " (a few minutes the first time) …")
    log = FOLDER / "mundap-install.log"
    with subprocess.Popen(  # noqa: S603 - our own command, no shell
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace"
    ) as pip:
        assert pip.stdout is not None
        progress = Progress()
        reader = threading.Thread(target=_read, args=(pip.stdout, log, progress), daemon=True)
        reader.start()
        began = time.monotonic()
        while reader.is_alive():
            reader.join(timeout=1.0)
            terminal.show(f"    {time.monotonic() - began:4.0f} s  {progress.line}")
        status = pip.wait()
    if status:
        terminal.say("pip could not install the packages. Its last lines:")
        tail = log.read_text(encoding="utf-8").splitlines()[-TAIL_LINES:]
        terminal.say("\n".join(f"    {line}" for line in tail))
        terminal.say("Check the connection to the package index, then run the same command again.")
    return 1 if status else 0


def _read(output: Iterable[str], log: Path, progress: Progress) -> None:
    with log.open("w", encoding="utf-8") as file:
        for line in output:
            file.write(line)
            file.flush()
            progress.take(line.strip())


class Progress:
    """One short line made of pip's many."""

    def __init__(self) -> None:
        self.line = "looking for packages"
        self._count = 0

    def take(self, line: str) -> None:
        """Read one line of pip."""
        if found := re.match(r"(?:Collecting|Requirement already satisfied:|Processing) ?([^\s;(]+)", line):
            self._count += 1
            self.line = f"package {self._count}: {Path(found[1]).name}"
        elif found := re.match(r"(?:Downloading|Using cached) .*\(([^)]+)\)$", line):
            self.line = f"{self.line.partition(' (')[0]} ({found[1]})"
        elif line.startswith("Installing collected packages:"):
            self.line = f"unpacking {line.count(',') + 1} packages"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
