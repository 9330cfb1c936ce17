"""Django's own command, which also finds what connectors and parsers tell (`assistant.common.told`)."""

from __future__ import annotations

from typing import ClassVar

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    """`makemessages`, with `told` among the functions whose first argument is a message."""

    xgettext_options: ClassVar[list[str]] = [*makemessages.Command.xgettext_options, "--keyword=told:1"]
