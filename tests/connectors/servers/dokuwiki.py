"""A real DokuWiki (Debian package `dokuwiki`) with configuration and data in a folder of the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tests.connectors.servers.php import php_server
from tests.connectors.servers.programs import free_port, installed_file, program

PASSWORD = "wiki secret"
ROBOT = "mundap"
_INSTALLED = "/usr/share/dokuwiki/doku.php"


@dataclass(slots=True)
class DokuWiki:
    """The wiki's address and files. What the methods change, the next request sees."""

    url: str
    folder: Path
    hashed: str  # of PASSWORD, which is everybody's
    users: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)

    @property
    def acl_file(self) -> Path:
        """The rules."""
        return self.folder / "conf" / "acl.auth.php"

    @property
    def users_file(self) -> Path:
        """The people."""
        return self.folder / "conf" / "users.auth.php"

    def reset(self, *, superuser: str = "@admin") -> None:
        """No page, no rule, and nobody but the robot, who is in the group `admin`."""
        for place in (
            "pages",
            "media",
            "meta",
            "media_meta",
            "cache",
            "index",
            "locks",
            "attic",
            "media_attic",
        ):
            shutil.rmtree(self.folder / "data" / place, ignore_errors=True)
            (self.folder / "data" / place).mkdir()
        self.users = {ROBOT: (f"{ROBOT}@example.com", ("admin",))}
        self.rules = ["* @ALL 0"]
        self.configure(superuser=superuser)
        self.write()

    def configure(self, *, superuser: str = "@admin", manager: str = "", remote: int = 1) -> None:
        """The wiki's own settings."""
        settings = {
            "title": "Test wiki",
            "useacl": 1,
            "remote": remote,
            "remoteuser": "",
            "superuser": superuser,
            "manager": manager,
            "savedir": str(self.folder / "data"),
            "compression": 0,
        }
        lines = [f"$conf['{key}'] = {value!r};" for key, value in settings.items()]
        (self.folder / "conf" / "local.php").write_text("<?php\n" + "\n".join(lines), encoding="utf-8")

    def write(self) -> None:
        """Put rules and people into their files."""
        self.acl_file.write_text("# rules\n" + "\n".join(self.rules) + "\n", encoding="utf-8")
        people = [
            f"{login}:{self.hashed}:{login.title()}:{mail}:{','.join(groups)}"
            for login, (mail, groups) in self.users.items()
        ]
        self.users_file.write_text("# people\n" + "\n".join(people) + "\n", encoding="utf-8")

    def set_user(self, login: str, mail: str, groups: Sequence[str]) -> None:
        """Add or change somebody."""
        self.users[login] = (mail, tuple(groups))
        self.write()

    def set_rules(self, *rules: str) -> None:
        """All rules, anew."""
        self.rules = list(rules)
        self.write()

    def page_file(self, page: str) -> Path:
        """Where a page lies."""
        return self.folder / "data" / "pages" / f"{quote(page.replace(':', '/'))}.txt"

    def put_page(self, page: str, text: str) -> None:
        """Write a page as DokuWiki would store it."""
        file = self.page_file(page)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def put_media(self, name: str, data: bytes) -> None:
        """Store a file."""
        file = self.folder / "data" / "media" / quote(name.replace(":", "/"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def delete_page(self, page: str) -> None:
        """As saving an empty page does."""
        self.page_file(page).unlink()


@contextmanager
def dokuwiki_server(folder: Path) -> Iterator[DokuWiki]:
    """A wiki that runs until the block ends."""
    code = installed_file(_INSTALLED, package="dokuwiki php-xml php-mbstring").parent
    conf = folder / "conf"
    conf.mkdir()
    for name in (
        "attic",
        "cache",
        "index",
        "locks",
        "log",
        "media",
        "media_attic",
        "media_meta",
        "meta",
        "pages",
    ):
        (folder / "data" / name).mkdir(parents=True)
    (folder / "data" / "tmp").mkdir()
    for file in Path("/etc/dokuwiki").iterdir():
        if (
            file.is_file()
            and os.access(file, os.R_OK)
            and not file.name.startswith((".", "local", "acl.", "users."))
        ):
            shutil.copy(file, conf / file.name)
    prepend = folder / "prepend.php"
    prepend.write_text(
        f"<?php define('DOKU_MAIN_CONF', '{conf}/'); define('DOKU_CONF', '{conf}/');", encoding="utf-8"
    )
    port = free_port()
    wiki = DokuWiki(f"http://127.0.0.1:{port}", folder, _hashed(PASSWORD))
    wiki.reset()
    options = {"auto_prepend_file": str(prepend), "session.save_path": str(folder / "data" / "tmp")}
    with php_server(code, port=port, log=folder / "php.log", options={**options, **_QUIET}):
        yield wiki


# A changed file of settings counts at the next request, not two seconds later.
_QUIET: Mapping[str, str] = {"display_errors": "0", "opcache.enable_cli": "1", "opcache.revalidate_freq": "0"}


def _hashed(password: str) -> str:
    script = "echo password_hash($argv[1], PASSWORD_BCRYPT, ['cost' => 4]);"
    ran = subprocess.run(
        [program("php", package="php-cli"), "-r", script, password],
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout
