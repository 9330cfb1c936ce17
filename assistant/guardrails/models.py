"""Topics that may be neither asked about nor answered, as administrators write them."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

MAX_NAME = 80
MAX_DESCRIPTION = 1000
MAX_MESSAGE = 500
MAX_LINES = 200
MAX_LINE = 200
MAX_FIELD = MAX_LINES * (MAX_LINE + 2)


def lines_of(text: str) -> list[str]:
    """The lines of a field that say something, without surrounding white space."""
    return [line.strip() for line in text.splitlines() if line.strip()]


class Topic(models.Model):
    """A topic block: described, shown by examples, listed in words, or any of the three."""

    name = models.CharField(_("name"), max_length=MAX_NAME, unique=True)
    description = models.TextField(_("description"), max_length=MAX_DESCRIPTION, blank=True)
    examples = models.TextField(_("example questions"), max_length=MAX_FIELD, blank=True)
    words = models.TextField(_("blocked words and phrases"), max_length=MAX_FIELD, blank=True)
    message = models.TextField(_("message to the person"), max_length=MAX_MESSAGE, blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    updated_at = models.DateTimeField(_("last changed"), auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("topic block")
        verbose_name_plural = _("topic blocks")
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(name=""), name="topic_has_a_name"),
            models.CheckConstraint(
                condition=~Q(description="", examples="", words=""), name="topic_says_what_it_blocks"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Tidy the fields, then check that they block something and stay within bounds.

        Raises:
            ValidationError: by field, with what to do.
        """
        self.name = " ".join(self.name.split())
        self.description = self.description.strip()
        self.message = self.message.strip()
        problems: dict[str, str] = {}
        if not self.name:
            problems["name"] = gettext("Give the topic a name.")
        for field in ("examples", "words"):
            lines = lines_of(getattr(self, field))
            setattr(self, field, "\n".join(lines))
            problem = _problem_of(lines, field)
            if problem:
                problems[field] = problem
        if not (self.description or self.examples or self.words):
            problems["description"] = gettext(
                "Describe the topic, give example questions, or list words: "
                "without any of these it would block nothing."
            )
        if problems:
            raise ValidationError(problems)


def _problem_of(lines: list[str], field: str) -> str:
    """What is wrong with the lines of a field, in words for its author; empty if nothing is."""
    if len(lines) > MAX_LINES:
        return gettext("At most %(most)d lines; there are %(count)d. Split the topic in two.") % {
            "most": MAX_LINES,
            "count": len(lines),
        }
    longest = max(range(len(lines)), key=lambda i: len(lines[i]), default=None)
    if longest is not None and len(lines[longest]) > MAX_LINE:
        return gettext("Line %(line)d is longer than %(most)d characters. Shorten it.") % {
            "line": longest + 1,
            "most": MAX_LINE,
        }
    empty = next((line for line in lines if not any(c.isalnum() for c in line)), None)
    if field == "words" and empty is not None:
        return gettext("“%(line)s” has no letter or digit, so it could match nothing. Remove it.") % {
            "line": empty
        }
    return ""
