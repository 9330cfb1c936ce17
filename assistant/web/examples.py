"""What could somebody ask who has never asked before?"""

from __future__ import annotations

from django.utils.translation import gettext


def example_questions() -> tuple[str, ...]:
    """Four questions that the documents of most companies answer, in the reader's language."""
    return (
        gettext("How many days of annual leave can I carry over?"),
        gettext("How do I report a security incident?"),
        gettext("How long must a password be?"),
        gettext("What are the core working hours?"),
    )
