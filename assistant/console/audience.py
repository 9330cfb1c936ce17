"""Who alone may see a source while it is tried out: typed as addresses and groups, stored as principals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext

from assistant.common.acl import parse_principal
from assistant.common.errors import UsageError

_MOST = 200


@dataclass(frozen=True, slots=True)
class AudienceForm:
    """The choice as it stands on the page. `limited` False: whoever the source lets in."""

    limited: bool = False
    text: str = ""
    wrong: str = ""

    @property
    def principals(self) -> list[str]:
        """The principals in their written form; none where nobody is kept out."""
        return _read(self.text)[0] if self.limited and not self.wrong else []


def audience_form(principals: Sequence[str]) -> AudienceForm:
    """The form of a stored audience."""
    lines = (each.removeprefix("user:") for each in principals)
    return AudienceForm(limited=bool(principals), text="\n".join(lines))


def typed_audience(typed: QueryDict) -> AudienceForm:
    """What was chosen, with what is wrong with it."""
    limited, text = typed.get("audience") == "limited", typed.get("people", "").replace("\r\n", "\n")
    if not limited:
        return AudienceForm(limited=False, text=text)
    principals, mistaken = _read(text)
    if mistaken:
        shown = mistaken[0][:60]
        wrong = gettext("“%(line)s” is neither an e-mail address nor a group: write group: before a group.")
        return AudienceForm(limited=True, text=text, wrong=wrong % {"line": shown})
    if not principals:
        return AudienceForm(limited=True, text=text, wrong=gettext("Name at least one person or group."))
    if len(principals) > _MOST:
        return AudienceForm(
            limited=True, text=text, wrong=gettext("Name at most 200; a group counts as one.")
        )
    return AudienceForm(limited=True, text=text)


def _read(text: str) -> tuple[list[str], list[str]]:
    """Principals, and the lines that name none."""
    principals: dict[str, None] = {}
    mistaken: list[str] = []
    for line in filter(None, (piece.strip() for piece in text.replace(",", "\n").splitlines())):
        try:
            written = line if line.startswith(("group:", "user:")) else f"user:{line}"
            principals[str(parse_principal(written))] = None
        except UsageError:
            mistaken.append(line)
    return list(principals), mistaken
