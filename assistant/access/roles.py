"""Does this person have a right inside Mundap? No right widens what its holder may read."""

from __future__ import annotations

from assistant.access.viewer import Viewer
from assistant.accounts.models import User
from assistant.accounts.roles import Right
from assistant.common.errors import NotFound


def may(viewer: Viewer, right: Right) -> bool:
    """Asks the database, so that a role taken away counts at once."""
    user = User.objects.filter(pk=viewer.user_id).first()
    return user is not None and user.has_right(right)


def require(viewer: Viewer, right: Right) -> None:
    """Let those pass who have the right.

    Raises:
        NotFound: anybody else; they are not told that there is something to see.
    """
    if not may(viewer, right):
        raise NotFound("There is nothing here.")
