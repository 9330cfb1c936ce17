"""A PostgreSQL and a MariaDB of our own: on free loopback ports, with TLS, in temporary folders."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import psycopg
import pymysql
import pymysql.cursors

from tests.connectors.servers.certificates import certify
from tests.connectors.servers.programs import free_port, missing, program

PASSWORD = "correct horse 말"
_READY_S = 60.0


class SqlSession:
    """A connection through which a test changes its data."""

    def __init__(
        self,
        connection: psycopg.Connection[tuple[object, ...]] | pymysql.Connection[pymysql.cursors.Cursor],
    ) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[object] = ()) -> None:
        """Carry a statement out; `%s` in it are the values."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, tuple(values) or None)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class SqlServer:
    """A running server. `engine`: the connector's name of it; `user` may do everything, `reader` read."""

    def __init__(self, engine: str, account: str) -> None:
        self.engine = engine
        self.user, self.reader = "owner", "reader"
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"mundap-{engine}-"))
        self.certified = certify(self.folder / "tls", name="localhost")
        self.account = account if os.geteuid() == 0 else ""
        self.process: subprocess.Popen[bytes] | None = None
        self.own_everything()

    def own_everything(self) -> None:
        """Give the files to the account that the server runs as: neither server runs as root."""
        if not self.account:
            return
        for path in (self.folder, *self.folder.rglob("*")):
            shutil.chown(path, self.account, self.account)

    def command(self, *words: str) -> list[str]:
        """A command line of that account."""
        if not self.account:
            return list(words)
        setpriv = program("setpriv", package="util-linux")
        return [setpriv, f"--reuid={self.account}", f"--regid={self.account}", "--clear-groups", *words]

    def prepare(self, *words: str) -> None:
        """Run a command to its end."""
        done = subprocess.run(
            self.command(*words), capture_output=True, text=True, check=False, cwd=self.folder
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, *words: str) -> None:
        """Run the server."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(*words), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )

    def stop(self) -> None:
        """End the server and remove its files."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_until_ready(self, ask: Callable[[], None]) -> None:
        """Wait until a question is answered."""
        end = time.monotonic() + _READY_S
        while True:
            try:
                ask()
            except (psycopg.Error, pymysql.Error, OSError):
                told = (self.folder / "server.log").read_text(errors="replace")
                assert self.process is not None, "the server was started"
                assert self.process.poll() is None, f"the server ended: {told}"
                assert time.monotonic() < end, f"the server does not answer: {told}"
                time.sleep(0.1)
            else:
                return

    def session(self, database: str = "") -> SqlSession:
        """A connection of the owner."""
        if self.engine == "postgresql":
            return SqlSession(
                psycopg.connect(
                    host="localhost",
                    hostaddr="127.0.0.1",
                    port=self.port,
                    user=self.user,
                    password=PASSWORD,
                    dbname=database or "postgres",
                    autocommit=True,
                )
            )
        return SqlSession(
            pymysql.connect(
                host="localhost",
                port=self.port,
                user=self.user,
                password=PASSWORD.encode(),
                database=database or None,
                ssl=ssl.create_default_context(cafile=str(self.certified.authority)),
                init_command="SET time_zone = '+00:00'",
                autocommit=True,
            )
        )

    def execute(self, statement: str, values: Sequence[object] = (), *, database: str = "") -> None:
        """Carry one statement out as the owner."""
        with closing(self.session(database)) as session:
            session.execute(statement, values)

    @functools.cached_property
    def database(self) -> str:
        """A database whose tables the reader may read."""
        name = "company"
        if self.engine == "postgresql":
            self.execute(f"CREATE DATABASE {name}")
            self.execute(f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {self.reader}", database=name)
        else:
            self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            self.execute(f"GRANT SELECT ON {name}.* TO {self.reader}")
        return name


@functools.cache
def postgresql() -> SqlServer:
    """The PostgreSQL of this test process, started at the first call."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not folders:
        missing("needs PostgreSQL: install the Debian package postgresql")
    server = SqlServer("postgresql", "postgres")
    atexit.register(server.stop)
    data, secret = server.folder / "data", server.folder / "password"
    secret.write_text(PASSWORD, encoding="utf-8")
    server.own_everything()
    server.prepare(
        str(folders[-1] / "initdb"),
        *("-D", str(data), "-U", server.user, "-A", "scram-sha-256", f"--pwfile={secret}"),
        *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
    )
    server.certified.key.chmod(0o600)
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(server.port),
        "unix_socket_directories": "",
        "fsync": "off",
        "ssl": "on",
        "ssl_cert_file": str(server.certified.certificate),
        "ssl_key_file": str(server.certified.key),
    }
    flags = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    server.start(str(folders[-1] / "postgres"), "-D", str(data), *flags)
    server.wait_until_ready(lambda: server.execute("SELECT 1"))
    server.execute(f"CREATE ROLE {server.reader} LOGIN PASSWORD '{PASSWORD}'")
    return server


@functools.cache
def mariadb() -> SqlServer:
    """The MariaDB of this test process, started at the first call."""
    daemon = program("mariadbd", package="mariadb-server")
    install = program("mariadb-install-db", package="mariadb-server")
    server = SqlServer("mariadb", "mysql")
    atexit.register(server.stop)
    data, first = server.folder / "data", server.folder / "first.sql"
    first.write_text(
        f"CREATE USER {server.user} IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT ALL ON *.* TO {server.user} WITH GRANT OPTION;\n"
        f"CREATE USER {server.reader} IDENTIFIED BY '{PASSWORD}';\n",
        encoding="utf-8",
    )
    server.own_everything()
    server.prepare(
        install,
        *("--no-defaults", f"--datadir={data}", "--skip-test-db", "--auth-root-authentication-method=normal"),
    )
    server.start(
        daemon,
        "--no-defaults",
        f"--datadir={data}",
        f"--port={server.port}",
        "--bind-address=127.0.0.1",
        f"--socket={server.folder}/socket",
        f"--pid-file={server.folder}/pid",
        f"--init-file={first}",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=32M",
        "--innodb-fast-shutdown=2",
        "--character-set-server=utf8mb4",
        f"--ssl-ca={server.certified.authority}",
        f"--ssl-cert={server.certified.certificate}",
        f"--ssl-key={server.certified.key}",
    )
    server.wait_until_ready(lambda: server.execute("SELECT 1"))
    return server
