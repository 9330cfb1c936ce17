"""Uses one link many times at once; as a process of its own by `python -m tests.accounts.inviting TIMES`.

The process reads the word of the link from a line of its own, and prints how often it was the one.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

THREADS = 4
NEW_PASSWORD = "a password of several words"


def join_at_once(word: str, times: int) -> int:
    """How many of `times` calls by four threads got an account."""
    from django.db import connection  # noqa: PLC0415

    from assistant.factors.joining import Over, join  # noqa: PLC0415

    def once(_: int) -> int:
        try:
            join(word=word, name="New", password=NEW_PASSWORD)
        except Over:
            return 0
        else:
            return 1
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(once, range(times)))


def main() -> None:
    """See the module."""
    import django  # noqa: PLC0415

    django.setup()
    print("ready", flush=True)
    word = sys.stdin.readline().strip()
    print(join_at_once(word, int(sys.argv[1])), flush=True)


if __name__ == "__main__":
    main()
