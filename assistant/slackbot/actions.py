"""What buttons, dialogs and shortcuts are called on their way to Slack and back.

The value of a button and the `private_metadata` of a dialog is the id of a turn, which says nothing about who
may see it: that is asked again of whoever clicked.
"""

from __future__ import annotations

from typing import Final

SOURCES: Final = "answer.sources"
USEFUL: Final = "answer.useful"
NOT_USEFUL: Final = "answer.not_useful"
AGAIN: Final = "answer.again"
SHARE: Final = "answer.share"
OPEN: Final = "answer.open"  # a link; Slack tells us of the click all the same

JOIN_OPEN: Final = "join.open"
HOME_OPEN: Final = "home.open"

ASK_ABOUT: Final = "ask_about"  # the shortcut on a message
ASK_ABOUT_SUBMIT: Final = "ask_about.submit"
FEEDBACK_SUBMIT: Final = "feedback.submit"

# Fields of dialogs.
QUESTION_BLOCK, QUESTION_INPUT = "question", "question.text"
REASONS_BLOCK, REASONS_INPUT = "reasons", "reasons.chosen"
COMMENT_BLOCK, COMMENT_INPUT = "comment", "comment.text"

ASK_COMMAND, NEW_COMMAND = "/ask", "/new"
