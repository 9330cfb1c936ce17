"""A Dovecot of our own: on free loopback ports, with all its files in one temporary folder.

Mailboxes are made by signing in. Each person has a file with the password, so that a
test may lock somebody out.
"""

from __future__ import annotations

import atexit
import functools
import imaplib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.connectors.servers.certificates import certify
from tests.connectors.servers.programs import free_port, program

MASTER, MASTER_PASSWORD = "reader", "correct horse"
PASSWORD = "pass word ü"
_READY_S = 20.0

_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/tls/server.pem
ssl_key = <{folder}/tls/server.key
ssl_dh = </usr/share/dovecot/dh.pem
disable_plaintext_auth = no
auth_mechanisms = plain
auth_master_user_separator = *
auth_username_chars =
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%Lu:LAYOUT=fs
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
maildir_stat_dirs = no
mail_max_userip_connections = 1000
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
default_process_limit = 200
passdb {{
  driver = passwd-file
  args = scheme=plain username_format=%u {folder}/masters
  master = yes
  result_success = continue
}}
passdb {{
  driver = passwd-file
  args = scheme=plain username_format=%u {folder}/people/%u
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%Lu allow_all_users=yes
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service imap {{
  service_count = 0
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox "Müll" {{
    special_use = \\Trash
  }}
  mailbox Spam {{
    special_use = \\Junk
  }}
  mailbox Drafts {{
    special_use = \\Drafts
  }}
  mailbox Sent {{
    special_use = \\Sent
  }}
}}
namespace shared {{
  type = public
  separator = /
  prefix = Public/
  location = maildir:{folder}/public
  subscriptions = no
}}
"""


class Dovecot:
    """A running server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plain_port, self.tls_port = free_port(), free_port()
        self.certified = certify(folder / "tls", name="localhost")
        root = os.geteuid() == 0
        for name in ("run", "state", "mail", "public", "people"):
            (folder / name).mkdir()
            if root and name in ("mail", "public"):
                shutil.chown(folder / name, "mail", "mail")
        folder.chmod(0o755)
        (folder / "masters").write_text(f"{MASTER}:{MASTER_PASSWORD}\n", encoding="utf-8")
        own, own_group = _told("id", "-un"), _told("id", "-gn")
        config = folder / "dovecot.conf"
        config.write_text(
            _CONFIG.format(
                folder=folder,
                plain=self.plain_port,
                tls=self.tls_port,
                uid="mail" if root else own,
                gid="mail" if root else own_group,
                internal="dovecot" if root else own,
                group="dovecot" if root else own_group,
                login="dovenull" if root else own,
            ),
            encoding="utf-8",
        )
        self._process = subprocess.Popen(
            [program("dovecot", package="dovecot-imapd"), "-F", "-c", str(config)], stdin=subprocess.DEVNULL
        )
        self._wait_until_ready()

    def stop(self) -> None:
        """End the server and remove its files."""
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, login: str, password: str = PASSWORD) -> None:
        """A person with a mailbox."""
        (self.folder / "people" / login).write_text(f"{login}:{password}::::::\n", encoding="utf-8")

    def lock_out(self, logins: Sequence[str]) -> None:
        """Nobody can sign in to these mailboxes any more, the master neither."""
        for login in logins:
            (self.folder / "people" / login).unlink(missing_ok=True)
        end = time.monotonic() + _READY_S
        for login in logins:
            while self._lets_in(login):  # Dovecot looks at a file once a second
                assert time.monotonic() < end, f"dovecot still lets {login} in"
                time.sleep(0.1)

    def mailbox(self, login: str) -> imaplib.IMAP4:
        """A connection to somebody's mailbox, through which a test changes it. The caller closes it."""
        client = imaplib.IMAP4("127.0.0.1", self.plain_port, timeout=10)
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        proof = f"\0{login}*{MASTER}\0{MASTER_PASSWORD}".encode()
        client.authenticate("PLAIN", lambda _: proof)
        return client

    def _lets_in(self, login: str) -> bool:
        try:
            self.mailbox(login).shutdown()
        except imaplib.IMAP4.error:
            return False
        return True

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + _READY_S
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.plain_port), timeout=1) as probe:
                    if probe.recv(64).startswith(b"* OK"):
                        return
            except OSError:
                pass
            log = self.folder / "dovecot.log"
            told = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
            assert self._process.poll() is None, f"dovecot ended: {told}"
            assert time.monotonic() < end, f"dovecot does not answer: {told}"
            time.sleep(0.05)


def _told(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@functools.cache
def dovecot() -> Dovecot:
    """The server of this test process, started at the first call."""
    program("dovecot", package="dovecot-imapd")
    server = Dovecot(Path(tempfile.mkdtemp(prefix="mundap-dovecot-")))
    atexit.register(server.stop)
    return server
