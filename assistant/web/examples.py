"""What could somebody ask who has never asked before?"""

from __future__ import annotations

from django.utils.translation import gettext


def example_questions() -> tuple[str, ...]:
    """Four questions that the documents of most companies answer, in the reader's language."""
    return (
        gettext("How many days of summer leave do I get?"),
        gettext("What is the daily allowance for business travel?"),
        gettext("How do I set up the VPN?"),
        gettext("How many days a week may I work from home?"),
    )
