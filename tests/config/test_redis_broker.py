"""The same code on Redis, by MUNDAP_BROKER_URL alone."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import redis

from assistant.config.env import REPOSITORY
from tests.made_in_run import DATABASE, prepared_home

pytestmark = pytest.mark.slow
PREPARE = """
import sys, django
django.setup()
from assistant.config.celery import app
from assistant.sync.services import add_source
add_source(kind="jsonl", name="due", config={"path": sys.argv[1], "audience": "everyone"})
app.send_task("assistant.sync.tasks.sweep")
"""
COUNT = "SELECT count(*) FROM sync_syncrun WHERE requested_by = 'schedule'"


def test_a_worker_on_redis_carries_out_a_task_that_another_process_sent(
    tmp_path: Path, redis_url: str
) -> None:
    server = redis.Redis.from_url(redis_url)
    server.flushdb()
    environment = {
        **os.environ,
        "MUNDAP_HOME": str(tmp_path),
        "MUNDAP_BROKER_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
    }
    environment.pop("DATABASE_URL", None)
    (tmp_path / "due.jsonl").write_text('{"id": "a", "title": "A", "text": "One."}\n', encoding="utf-8")
    prepared_home(tmp_path)
    run = [sys.executable, "-c", PREPARE, str(tmp_path / "due.jsonl")]
    subprocess.run(run, env=environment, cwd=REPOSITORY, check=True)
    assert server.llen("maintenance") == 1

    command = [sys.executable, "-m", "celery", "-A", "assistant.config.celery", "worker", "--pool", "solo"]
    with subprocess.Popen(command, env=environment, cwd=REPOSITORY) as worker:
        try:
            deadline = time.monotonic() + 60
            while server.llen("maintenance") and time.monotonic() < deadline:
                time.sleep(0.2)
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(timeout=60)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as rows:
        assert rows.execute(COUNT).fetchone() == (1,)
