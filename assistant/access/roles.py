"""What roles may do inside Mundap. No role widens what its holder may read."""

from __future__ import annotations

from assistant.access.viewer import Viewer
from assistant.accounts.models import Role, User
from assistant.common.errors import NotFound


def is_administrator(viewer: Viewer) -> bool:
    """Asks the database, so that a role taken away counts at once."""
    return User.objects.filter(pk=viewer.user_id, is_active=True, role=Role.ADMINISTRATOR).exists()


def require_administrator(viewer: Viewer) -> None:
    """Let administrators pass.

    Raises:
        NotFound: anybody else; they are not told that there is something to administer.
    """
    if not is_administrator(viewer):
        raise NotFound("There is nothing here.")
