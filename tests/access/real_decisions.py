"""Does everybody of two real organisations and a real matrix hold and read what their own files say?

    python -m tests.access.real_decisions

Asks in a database of its own and prints one JSON object; exit status 1 if one answer is another.
"""

from __future__ import annotations

import json
import sys

from tests.access.own_database import own_database


def main() -> int:
    """Make a database, lay each of them down and ask, print."""
    with own_database():
        from django.db import transaction  # noqa: PLC0415 - needs loaded apps

        from assistant.access import mask, visibility  # noqa: PLC0415
        from assistant.accounts import holding  # noqa: PLC0415
        from tests.access import real_organisations as real  # noqa: PLC0415

        asked: dict[str, int] = {}
        wrong: list[str] = []
        for name in (*real.ORGANISATIONS, real.MATRIX):
            with transaction.atomic():
                if name == real.MATRIX:
                    asked[name], found = real.wrong_in_matrix(everybody=True)
                else:
                    asked[name], found = real.wrong_in_organisation(name, everybody=True)
                transaction.set_rollback(True)
            mask.forget()
            holding.forget()
            visibility.forget()
            wrong += found
    print(json.dumps({"asked": asked, "wrong": wrong}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
