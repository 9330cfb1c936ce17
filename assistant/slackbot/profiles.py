"""What Slack says of one of its users, and what kind of user that makes them here.

Pure: takes what `users.info` and `users.list` give and asks nobody. What is missing or is not what Slack
documents makes nobody a full member.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from assistant.common.one_line import one_line
from assistant.slackbot.models import LONGEST_ID, LONGEST_NAME, Workspace

SLACKBOT = "USLACKBOT"  # Slack's own bot, of which Slack says that it is none


class Standing(StrEnum):
    """What somebody is in a workspace."""

    FULL = "full"
    GUEST = "guest"
    STRANGER = "stranger"  # of another organisation
    BOT = "bot"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Profile:
    """A Slack user at one moment. `name` is what they call themselves, and says nothing of who they are.

    `address` is canonical, and empty where Slack tells none or has not confirmed it.
    """

    slack_user: str
    standing: Standing
    name: str
    address: str = ""
    language: str = "en"


class Unreadable(UsageError):
    """Slack's answer is not one about a user."""


def profile_of(workspace: Workspace, told: object) -> Profile:
    """Read a user object.

    Raises:
        Unreadable: it has no id, or is no object.
    """
    if not isinstance(told, Mapping):
        raise Unreadable("Slack's answer holds no user.")
    slack_user = told.get("id")
    if not isinstance(slack_user, str) or not 0 < len(slack_user) <= LONGEST_ID:
        raise Unreadable("Slack's answer holds a user without an id.")
    details = told.get("profile")
    details = details if isinstance(details, Mapping) else {}
    names = (details.get("display_name"), details.get("real_name"), told.get("real_name"), told.get("name"))
    name = next((one for one in names if isinstance(one, str) and one.strip()), "")
    locale = told.get("locale")
    return Profile(
        slack_user=slack_user,
        standing=_standing(workspace, slack_user, told),
        name=one_line(name)[:LONGEST_NAME],
        address=_address(told, details),
        language="ko" if isinstance(locale, str) and locale.lower().startswith("ko") else "en",
    )


def _standing(workspace: Workspace, slack_user: str, told: Mapping[object, object]) -> Standing:
    if told.get("deleted") is True:
        return Standing.DELETED
    if slack_user == SLACKBOT or any(told.get(flag) is True for flag in ("is_bot", "is_app_user")):
        return Standing.BOT
    if told.get("is_stranger") or not _is_of(workspace, told):
        return Standing.STRANGER
    # Slack says of every member whether they are a guest: what says nothing is not taken for a member.
    if told.get("is_restricted") is False and told.get("is_ultra_restricted") is False:
        return Standing.FULL
    return Standing.GUEST


def _is_of(workspace: Workspace, told: Mapping[object, object]) -> bool:
    """Of this workspace, or of the organisation (Enterprise Grid) that it is in."""
    if told.get("team_id") == workspace.team_id:
        return True
    enterprise = told.get("enterprise_user")
    if not workspace.enterprise_id or not isinstance(enterprise, Mapping):
        return False
    return enterprise.get("enterprise_id") == workspace.enterprise_id


def _address(told: Mapping[object, object], details: Mapping[object, object]) -> str:
    """What Slack calls unconfirmed is nobody's. Where it says nothing of that, the sign-in governs it."""
    email = details.get("email")
    if not isinstance(email, str) or told.get("is_email_confirmed", True) is not True:
        return ""
    try:
        return canonical_email(email)
    except UsageError:
        return ""
