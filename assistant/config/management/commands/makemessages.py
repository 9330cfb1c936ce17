"""Django's own command, which also finds what connectors and parsers tell (`assistant.common.told`)."""

from __future__ import annotations

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    """`makemessages`, with `told` among the functions whose first argument is a message."""

    def __init__(self) -> None:
        super().__init__()
        self.xgettext_options = [*self.xgettext_options, "--keyword=told:1"]
