"""moto's S3 server in a process of its own, on a free port of the loopback; one a test session."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import socket
import subprocess
import sys
import time
import urllib.request

import boto3
from botocore.config import Config

from tests.connectors.servers.programs import free_port

_START_S = 60.0
_numbers = itertools.count(1)


class S3Server:
    """The server, and a plain client that tests change it with."""

    def __init__(self) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        arguments = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(
            arguments,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MOTO_S3_DEFAULT_MAX_KEYS": "1000"},
        )
        atexit.register(self.stop)
        self._await()
        self.client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="tester",
            aws_secret_access_key="tester",
            config=Config(s3={"addressing_style": "path"}),
        )

    def new_bucket(self) -> str:
        """A bucket that no other test has."""
        name = f"docs-{os.getpid()}-{next(_numbers)}"
        self.client.create_bucket(Bucket=name)
        return name

    def check_credentials(self, after: int) -> None:
        """From the request with this number on, keys and rights are judged."""
        url = f"{self.endpoint}/moto-api/reset-auth"
        headers = {"Content-Type": "text/plain"}
        asked = urllib.request.Request(url, data=str(after).encode(), headers=headers)
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 200

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(timeout=10)

    def _await(self) -> None:
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            assert self._process.poll() is None, "moto's server ended at once"
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("moto's server did not start")


@functools.cache
def s3_server() -> S3Server:
    """The server of this session."""
    return S3Server()
