"""Adding files to conversations in tests."""

from __future__ import annotations

import time

from assistant.access.viewer import Viewer
from assistant.chat import file_reading
from assistant.chat.file_reading import read_file
from assistant.chat.files import FileView, Upload, add_file, files_of
from assistant.chat.models import ChatFile

OFFER = (
    "# Offer of Nordwind Ltd\n\nThe catering contract runs for 26 months from 1 February 2027. "
    "The monthly fee is 4,310 euros.\n\n# Notice\n\nEither side may end the contract with 45 days' notice. "
    "Zanthoxylum is served on Fridays.\n"
)
CONTRACT_KO = (
    "# 사무실 임대차 계약\n\n임대차 기간은 2027년 3월 1일부터 24개월입니다. 보증금은 7,300만 원입니다.\n\n"
    "# 해지\n\n계약을 해지하려면 3개월 전에 서면으로 알려야 합니다.\n"
)


def added(
    viewer: Viewer,
    name: str = "offer.md",
    content: str | bytes = OFFER,
    conversation_id: int | None = None,
) -> ChatFile:
    """A file that was added and read to its end in this thread."""
    data = content if isinstance(content, bytes) else content.encode()
    conversation_id = add_file(
        viewer=viewer,
        conversation_id=conversation_id,
        upload=Upload(name=name, media_type="", size=len(data), pieces=[data]),
    )
    row = ChatFile.objects.filter(conversation=conversation_id).latest("pk")
    read_file(row.pk)
    until = time.monotonic() + 60
    while not file_reading.is_idle() and time.monotonic() < until:
        time.sleep(0.01)
    row.refresh_from_db()
    return row


def only_file(viewer: Viewer, conversation_id: int) -> FileView:
    """The conversation's one file as its owner sees it."""
    (file,) = files_of(viewer=viewer, conversation_id=conversation_id).files
    return file
