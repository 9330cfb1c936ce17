"""The ids by which Slack tells what was pressed or sent. A button's value is the turn's id as text."""

from __future__ import annotations

from typing import Final

# Buttons under an answer
SOURCES: Final = "answer.sources"
USEFUL: Final = "answer.useful"
NOT_USEFUL: Final = "answer.not_useful"
AGAIN: Final = "answer.again"
SHARE: Final = "answer.share"
OPEN: Final = "answer.open"

# Links elsewhere: Slack reports that they were pressed, too
JOIN: Final = "join.open"
HOME: Final = "home.open"
SOURCE: Final = "source.open"  # followed by a dot and the source's number

# Shortcut and forms
ASK_ABOUT: Final = "ask_about"
ASK_ABOUT_SUBMIT: Final = "ask_about.submit"
FEEDBACK_SUBMIT: Final = "feedback.submit"

# Slash commands, as the manifest names them
ASK_COMMAND: Final = "/ask"
NEW_COMMAND: Final = "/new"

# Where a form's values stand: `view.state.values[BLOCK][FIELD]`
QUESTION_BLOCK: Final = "question"
REASONS_BLOCK: Final = "reasons"
COMMENT_BLOCK: Final = "comment"
FIELD: Final = "entered"


def source_link(n: int) -> str:
    """The id of the button that opens source `n`."""
    return f"{SOURCE}.{n}"
