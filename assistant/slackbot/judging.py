"""May a posted answer stay where it is, for everybody who can read it there now?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import Address, User
from assistant.accounts.revisions import Counter, current
from assistant.chat.events import Withheld
from assistant.chat.models import Turn
from assistant.chat.selectors import turn_for_reader
from assistant.slackbot.audience import Audience, Why, audience_of
from assistant.slackbot.failures import SlackBusy
from assistant.slackbot.joining import Asker
from assistant.slackbot.models import JoinedPerson, Policy, Post, Workspace

_LATER_S = 5.0


def marks_now() -> dict[str, int]:
    """Counters that tell later whether anything has changed since; asked for before it is judged."""
    return {"judged_for": current(Counter.PERMISSIONS), "judged_documents": current(Counter.DOCUMENTS)}


@dataclass(frozen=True, slots=True)
class Readers:
    """Who can read a post, as Slack says now.

    `viewer`: the asker with all of them; None: some of them are nobody here, or not known. `kind`: the
    channel's; empty for a direct message.
    """

    viewer: Viewer | None
    kind: str = ""


def marks_of(
    workspace: Workspace, marks: dict[str, int], user: int, beside: Collection[int]
) -> dict[str, Any]:
    """What is kept of who could read an answer, with the counters that were asked for before that.

    `user`: the asker's account id. Where permissions changed meanwhile, it is not known for whom the digest
    stands, and none is kept.
    """
    people = digest_of(workspace, {user, *beside})
    is_sure = current(Counter.PERMISSIONS) == marks["judged_for"]
    return {**marks, "judged_beside": sorted(beside), "judged_people": people if is_sure else ""}


def digest_of(workspace: Workspace, users: Collection[int]) -> str:
    """Changes when one of these accounts is erased, closed or opened, or gets or loses what says who it is.

    64 hexadecimal digits, made of row ids and moments alone.
    """
    opened = User.objects.filter(pk__in=users).values_list("pk", "is_active")
    held = Address.objects.filter(user__in=users).values_list("pk", "user", "since", "confirmed", "is_alias")
    joined = JoinedPerson.objects.filter(workspace=workspace, user__in=users, left_at=None)
    rows = [sorted(opened), sorted(held), sorted(joined.values_list("pk", "user", "by_link", "joined_at"))]
    return hashlib.sha256(json.dumps(rows, default=str).encode()).hexdigest()


def may_stay(client: WebClient, post: Post, turn: Turn, asker: Asker) -> bool:
    """Whether the asker and everybody who can read the post may read what its answer stands on.

    Raises:
        SlackBusy, SlackClosed: who can read it is not known now.
    """
    viewer = readers_now(client, post, asker).viewer
    return viewer is not None and shows(viewer, turn)


def readers_now(client: WebClient, post: Post, asker: Asker) -> Readers:
    """The asker with everybody who can read the post now.

    Raises:
        SlackBusy, SlackClosed.
    """
    if not post.in_channel:
        return Readers(viewer_for(asker.user))
    found = _audience(client, post.workspace, post.channel_id, asker)
    return Readers(_viewer(found, asker), found.kind)


def viewer_in(client: WebClient, workspace: Workspace, channel: str, asker: Asker) -> Viewer | None:
    """The asker with everybody who can read the channel now; None: that is not known of all of them, or
    nothing is posted there.

    Raises:
        SlackBusy: Slack does not say who they are.
    """
    found = _audience(client, workspace, channel, asker)
    return None if found.policy is Policy.OFF else _viewer(found, asker)


def _audience(client: WebClient, workspace: Workspace, channel: str, asker: Asker) -> Audience:
    found = audience_of(workspace, channel, asker, fresh=True, client=client)
    if found.why is Why.NO_ANSWER:
        raise SlackBusy(_LATER_S)
    return found


def _viewer(found: Audience, asker: Asker) -> Viewer | None:
    return None if found.beside is None else viewer_for(asker.user, beside=found.beside)


def shows(viewer: Viewer, turn: Turn) -> bool:
    """Whether the finished turn may be shown to them, as it may to the reader of a shared link."""
    row = Turn.objects.prefetch_related("events", "citations").get(pk=turn.pk)
    return not isinstance(turn_for_reader(viewer, row).outcome, Withheld)
