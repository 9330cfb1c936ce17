"""Programs that cannot start, and processes that others of the machine can look at, show no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from assistant.common.errors import UsageError
from assistant.config.env import REPOSITORY, database_settings, read_environment, secrets_of
from assistant.config.programs import programs
from assistant.ingest.sandbox import ParserProcess
from connectors.sdk.surroundings import Surroundings
from connectors.sources.git.program import Git, Proof
from tests.connectors.servers.programs import free_port, missing
from tests.security.secret_canaries import canary, found, plain_canary

SECRETS = {
    "MUNDAP_SECRET_KEY": plain_canary("the key of this installation, which is long enough"),
    "MUNDAP_SECRET_KEY_FALLBACKS": plain_canary("the former key of this installation"),
    "MUNDAP_CHAT_API_KEY": plain_canary("chat"),
    "MUNDAP_EMBEDDER_API_KEY": plain_canary("embedder"),
    "MUNDAP_RERANKER_API_KEY": plain_canary("reranker"),
}
PASSWORDS = {"database": plain_canary("database"), "broker": plain_canary("broker")}
CANARIES = {*SECRETS.values(), *PASSWORDS.values()}


def environment(home: Path, **more: str) -> dict[str, str]:
    """Every secret that the environment takes, and a home of its own."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MUNDAP_", "DATABASE_"))
    }
    return kept | SECRETS | {"MUNDAP_HOME": str(home), "PYTHONPATH": str(REPOSITORY)} | more


@pytest.mark.parametrize(
    "address",
    [
        "postgress://u:{password}@127.0.0.1/d",
        "postgresql://u:p#{password}@127.0.0.1:5432/d",
        "postgresql://u:p/{password}@127.0.0.1:5432/d",
        "postgresql://[{password}/d",
        "{password}",
        "",
    ],
)
def test_a_malformed_address_of_the_database_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(UsageError) as refused:
        database_settings(address.format(password=PASSWORDS["database"]))
    assert found(str(refused.value), CANARIES) == []
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_whoever_names_the_secret_in_place_of_its_file_does_not_read_it_in_the_log(tmp_path: Path) -> None:
    for value in (SECRETS["MUNDAP_SECRET_KEY"], canary("with signs") + "\0"):
        with pytest.raises(UsageError) as refused:
            read_environment({"MUNDAP_HOME": str(tmp_path), "MUNDAP_SECRET_KEY_FILE": value})
        assert "MUNDAP_SECRET_KEY_FILE" in str(refused.value)
        assert found(str(refused.value), [value.strip("\0")]) == []


def test_what_was_read_shows_no_secret_and_knows_every_one(tmp_path: Path) -> None:
    read = read_environment(
        environment(
            tmp_path,
            DATABASE_URL=f"postgresql://u:{PASSWORDS['database']}@127.0.0.1/d",
            MUNDAP_BROKER_URL=f"amqp://u:{PASSWORDS['broker']}@127.0.0.1//",
        )
    )
    assert found(repr(read), CANARIES) == []
    assert set(secrets_of(read)) >= CANARIES


def test_a_worker_that_cannot_reach_its_servers_says_so_without_a_secret(tmp_path: Path) -> None:
    # It makes every check that the others make at their start, and its libraries log at the finest level.
    celery = ("-m", "celery", "--app", "assistant.config.celery", "worker", "--loglevel", "DEBUG")
    port = free_port()
    ended = subprocess.run(
        [sys.executable, *celery],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(
            tmp_path,
            DATABASE_URL=f"postgresql://u:{PASSWORDS['database']}@127.0.0.1:{port}/d",
            MUNDAP_BROKER_URL=f"redis://u:{PASSWORDS['broker']}@127.0.0.1:{port}/0",
            MUNDAP_LOG_LEVEL="DEBUG",
        ),
    )
    assert ended.returncode != 0
    assert "127.0.0.1" in ended.stderr, ended.stderr
    assert found(ended.stdout + ended.stderr, CANARIES) == []


def seen_of(process: int) -> bytes:
    """What other processes of the same account can read of one."""
    folder = Path(f"/proc/{process}")
    return (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()


def test_the_process_that_reads_documents_is_given_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/proc/self/environ").exists():
        missing("needs /proc")
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    note = tmp_path / "note.txt"
    note.write_text("A note.")
    with ParserProcess() as parser:
        parser.parse(note, name="note.txt")
        assert parser.pid is not None
        seen = seen_of(parser.pid)
    assert b"assistant.ingest.parsers.child" in seen
    assert found(seen, CANARIES) == []


def test_the_program_git_is_given_no_secret_but_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    git = Git(Proof(token=canary("git")), Surroundings())
    try:
        given: Mapping[str, str] = git.environment()
    finally:
        git.close()
    assert found(repr(given), {*CANARIES, canary("git")}) == []


def test_no_secret_is_a_word_of_a_command() -> None:
    # Every account of a machine may read the commands of all processes: secrets come by environment or file.
    for program in programs():
        assert not [word for word in program.command if "://" in word or "key" in word.lower()]
