"""The app's home in Slack: what one person asked lately, or the way to sign in."""

from __future__ import annotations

from django.utils.translation import override

from assistant.access.viewer import viewer_for
from assistant.chat.selectors import conversations
from assistant.common.types import JsonObject
from assistant.slackbot.delivering import address_of
from assistant.slackbot.joining import NotJoined, Reason, asker_of, link_for
from assistant.slackbot.models import Job
from assistant.slackbot.pressed import pressed_of
from assistant.slackbot.rendering.home import MOST_CONVERSATIONS, HomeConversation, home
from assistant.slackbot.slack_api import client_of


def publish_home(job: Job, payload: JsonObject) -> None:
    """Let Slack show somebody their home. Guests, people of other organisations and apps get none.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    workspace, user = job.workspace, pressed_of(payload).user
    client = client_of(workspace)
    asker = asker_of(workspace, user, client=client)
    with override(asker.language):
        if isinstance(asker, NotJoined):
            if asker.reason is not Reason.UNKNOWN:
                return
            link = link_for(workspace, user)
            view = home(joined=False, conversations=(), address=workspace.address, join_address=link)
        else:
            latest = conversations(viewer=viewer_for(asker.user))[:MOST_CONVERSATIONS]
            shown = [
                HomeConversation(one.title, one.updated_at, address_of(workspace, one.id)) for one in latest
            ]
            view = home(joined=True, conversations=shown, address=workspace.address, join_address="")
        client.views_publish(user_id=user, view=view)
