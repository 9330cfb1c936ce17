"""Spends one message many times at once; as a process of its own by `spending_process.py PROVIDER TIMES`.

The process says `ready`, waits for a line, and prints how often it was the one.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

THREADS = 8


def spend_at_once(provider: int, times: int) -> int:
    """How many of `times` calls by eight threads were told that they may use the message."""
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from assistant.identity.spent import spend  # noqa: PLC0415

    expires_at = timezone.now() + timedelta(minutes=5)

    def some(_: int) -> int:
        try:
            return sum(spend(provider, "_assertion-1", expires_at) for _ in range(times // THREADS))
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(some, range(THREADS)))


def main() -> None:
    """See the module."""
    import django  # noqa: PLC0415

    django.setup()
    print("ready", flush=True)
    sys.stdin.readline()
    print(spend_at_once(int(sys.argv[1]), int(sys.argv[2])), flush=True)


if __name__ == "__main__":
    main()
