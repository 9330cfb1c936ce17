"""One of several processes that record at once: `python -m tests.audit.writer --count N --name W`."""

from __future__ import annotations

import argparse
import os
import sys


def main(arguments: list[str]) -> int:
    """Record so many entries, some of them inside transactions, some of which are rolled back."""
    parser = argparse.ArgumentParser(prog="writer", description=__doc__)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--name", required=True)
    given = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")
    import django  # noqa: PLC0415 - needs the environment

    django.setup()
    from django.db import transaction  # noqa: PLC0415

    from assistant.accounts.models import User  # noqa: PLC0415
    from assistant.audit.trail import Event, record  # noqa: PLC0415

    for n in range(given.count):
        if n % 3 == 0:
            with transaction.atomic():
                record(Event.ROLE_CHANGED, actor=given.name, n=n)  # goes with the transaction
                transaction.set_rollback(True)
        if n % 2:
            record(Event.USER_ADDED, actor=given.name, n=n)
            continue
        with transaction.atomic():  # one row before, another after: the order that deadlocks under one lock
            first, second = (n, n + 1) if given.name < "w1" else (n + 1, n)
            User.objects.update_or_create(email=f"{first}@example.com", defaults={"name": given.name})
            record(Event.USER_ADDED, actor=given.name, n=n)
            if n % 4 == 0:
                User.objects.update_or_create(email=f"x{second}@example.com", defaults={"name": given.name})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
