"""The person on whose behalf something is read, and whoever will read it together with them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from assistant.accounts.models import User
from assistant.common.errors import UsageError

MOST_BESIDE = 500


@dataclass(frozen=True, slots=True)
class Viewer:
    """Only says who asks. What they may see is asked of the database each time, never kept here.

    `beside` are ids of other accounts who will see what is shown, rising and without the viewer's own: then
    only what the viewer and every one of them may read is given, and nothing once one of them is gone.
    `viewer_for` makes them so.
    """

    user_id: int
    email: str
    beside: tuple[int, ...] = ()

    @property
    def everybody(self) -> tuple[int, ...]:
        """The viewer's id, then those of the others."""
        return (self.user_id, *self.beside)


def viewer_for(user: User, *, beside: Collection[int] = ()) -> Viewer:
    """The viewer that a signed-in person is, alone or with others who will see what is shown.

    Raises:
        UsageError: more than 500 others.
    """
    others = {int(one) for one in beside} - {user.pk}
    if len(others) > MOST_BESIDE:
        raise UsageError(
            f"{len(others)} other people would read this answer; at most {MOST_BESIDE} can. "
            "Ask where fewer people read along, or alone."
        )
    return Viewer(user_id=user.pk, email=user.email, beside=tuple(sorted(others)))


def alone(viewer: Viewer) -> Viewer:
    """The viewer, without anybody who reads along."""
    return Viewer(user_id=viewer.user_id, email=viewer.email)


def each_alone(viewer: Viewer) -> tuple[Viewer, ...]:
    """The viewer and everybody beside, each as somebody who reads alone."""
    others = (Viewer(user_id=one, email="") for one in viewer.beside)
    return (alone(viewer), *others)
