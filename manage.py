#!/usr/bin/env python
"""Mundap's command line."""

import os
import sys


def main() -> int:
    """Run one command. Exit status: 0 done, 1 the thing asked for failed, 2 the command was wrong."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")
    try:
        from django.core.management import execute_from_command_line  # noqa: PLC0415
    except ImportError:
        print("Django is not installed here. Run `make run`, or activate .venv first.", file=sys.stderr)  # noqa: T201
        return 2
    from assistant.common.errors import MundapError, UsageError  # noqa: PLC0415

    try:
        # Commands are modules, and modules have no hyphens: `explain-access` is `explain_access`.
        command = [word if word.startswith("-") else word.replace("-", "_") for word in sys.argv[1:2]]
        execute_from_command_line([*sys.argv[:1], *command, *sys.argv[2:]])
    except MundapError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2 if isinstance(error, UsageError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
