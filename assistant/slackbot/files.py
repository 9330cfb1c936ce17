"""Files of a message or thread, taken into the asker's conversation as files of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assistant.access.viewer import viewer_for
from assistant.chat.file_limits import MOST_FILES, FileRefused, Refusal, most_bytes
from assistant.chat.file_reasons import refusal_words
from assistant.chat.files import Upload, add_file
from assistant.chat.models import ChatFile
from assistant.common.errors import FailureCode
from assistant.slackbot.failures import SlackRefused
from assistant.slackbot.joining import Asker
from assistant.slackbot.models import Workspace
from assistant.slackbot.rendering import notices
from assistant.slackbot.rendering.messages import Message
from assistant.slackbot.slack_api import download

_HELD = frozenset({"hosted", "snippet"})  # kinds of files whose bytes Slack itself has


def taken_along(
    workspace: Workspace,
    asker: Asker,
    conversation: int | None,
    files: Sequence[Mapping[str, Any]],
    *,
    began: Callable[[int], None],
) -> tuple[int | None, list[Message]]:
    """The conversation with the files in it, and what to tell of those that are not.

    A file that the conversation has already is not taken again: by name and size, as Slack tells them. What
    a conversation has no room for is told once, and not fetched. `began` is called with the id of a new
    conversation, before a second file is fetched: whoever comes again after a failure goes on with it.

    Raises:
        SlackBusy, SlackClosed.
    """
    viewer = viewer_for(asker.user)
    told: list[Message] = []
    known = set(
        ChatFile.objects.filter(conversation=conversation).values_list("name", "size") if conversation else ()
    )
    has_room_for = MOST_FILES - len(known)
    for file in files:
        name, size = str(file.get("name") or file.get("id") or ""), _size(file)
        if (name, size) in known:
            continue
        if has_room_for <= 0:
            told.append(notices.file_refused(refusal_words(Refusal.TOO_MANY, name)))
            break
        url = file.get("url_private_download") or file.get("url_private")
        if file.get("mode", "hosted") not in _HELD or not isinstance(url, str):
            told.append(notices.file_unread(name, FailureCode.UNREADABLE))
            continue
        try:
            content = download(workspace, url, most_bytes(), size=size or None)
            media_type = str(file.get("mimetype") or "")
            upload = Upload(name=name, media_type=media_type, size=len(content), pieces=(content,))
            into = add_file(viewer=viewer, conversation_id=conversation, upload=upload)
            if conversation is None:
                began(into)
            conversation, has_room_for = into, has_room_for - 1
        except SlackRefused as refused:
            code = FailureCode.TOO_LARGE if refused.code == "file_too_large" else FailureCode.UNREADABLE
            told.append(notices.file_unread(name, code))
        except FileRefused as refused:
            told.append(notices.file_refused(refusal_words(refused.why, refused.name)))
    return conversation, told


def _size(file: Mapping[str, Any]) -> int:
    size = file.get("size")
    return size if isinstance(size, int) else 0
