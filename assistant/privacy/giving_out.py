"""All that is known of a person, as one file for them: JSON, and the texts of their files.

Answers are as the person may read them at this moment, by the door; what is out of their reach now is left
out here, too. Nothing that opens anything is in it: no digest, no key, no token.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import get_language

from assistant.access.door import passage_texts, readable_sources
from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import AccountLink, Address, ApiKey, User
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event, record
from assistant.chat.exporting import conversation_file
from assistant.chat.models import ChatFile, Conversation, PersonalStyle
from assistant.common.errors import NotFound
from assistant.common.types import Json
from assistant.identity.models import ExternalIdentity

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_WHOLE = 2**31 - 1  # characters; no body has more


@dataclass(frozen=True, slots=True)
class GivenOut:
    """How many conversations the file begins with, and its pieces, made as they are asked for."""

    conversations: int
    pieces: Iterator[bytes]


def give_out(*, user_id: int, actor: str) -> GivenOut:
    """Begin the file. That it is given out is recorded first: half of it tells, too.

    Raises:
        NotFound: no such person; from the pieces: their account was closed meanwhile, and the file stays
            without its end.
    """
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    count = Conversation.objects.filter(user=user).count()
    with transaction.atomic():
        record(Event.PERSON_EXPORTED, actor_id=user.pk, actor=actor, user=user.email, conversations=count)
    return GivenOut(count, _zipped(_members(user, get_language() or "en")))


def _zipped(members: Iterator[tuple[str, bytes | str]]) -> Iterator[bytes]:
    """A ZIP file of which no more than one member is held at a time."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
            yield outlet.taken()
    yield outlet.taken()


class _Outlet(io.RawIOBase):
    """Takes what is written; nothing of it can be gone back to."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Keep it until it is taken."""
        self._written.append(bytes(data))
        return len(self._written[-1])

    def taken(self) -> bytes:
        """What was written since the last time."""
        written, self._written = self._written, []
        return b"".join(written)


def _members(user: User, language: str) -> Iterator[tuple[str, bytes | str]]:
    """The files in it, each made when it is its turn: by the door and by the account as they are then."""
    viewer, was_open = viewer_for(user), user.is_active
    with translation.override(language):
        account = _written(_account(user, viewer))
    yield "account.json", account
    yield "activity.json", _written(_activity(user))
    for key in list(Conversation.objects.filter(user=user).order_by("pk").values_list("pk", flat=True)):
        if was_open and not User.objects.filter(pk=user.pk, is_active=True).exists():
            raise NotFound("The account was closed.")
        try:
            with translation.override(language):
                content = conversation_file(viewer, key, "json").content
        except NotFound:  # deleted at this moment
            continue
        yield f"conversations/{key}.json", content
    yield from _files(viewer)


def file_name() -> str:
    """What the file is called when it is saved."""
    return f"mundap-my-data-{timezone.localdate().isoformat()}.zip"


def _account(user: User, viewer: Viewer) -> dict[str, Json]:
    readable = readable_sources(viewer)  # that there is a source is told to who may read something in it
    style = PersonalStyle.objects.filter(user=user).first()
    links = AccountLink.objects.filter(user=user).select_related("principal__connection")
    return {
        "email": user.email,
        "name": user.name,
        "kind": user.kind,
        "contact": user.contact,
        "role": user.role,
        "language": user.language,
        "created_at": user.created_at.isoformat(),
        "addresses": [
            {"address": row.address, "alias": row.is_alias, "since": row.since.isoformat()}
            for row in Address.objects.filter(user=user).order_by("pk")
        ],
        "source_accounts": [
            {
                "source": name if (name := str(row.principal.connection)) in readable else "",
                "account": row.principal.external_id,
            }
            for row in links
        ],
        "company_sign_ins": [
            {"provider": row.provider.name, "subject": row.subject, "since": row.made_at.isoformat()}
            for row in ExternalIdentity.objects.filter(user=user).select_related("provider")
        ],
        "slack": [
            {
                "workspace": row.workspace.name,
                "slack_user": row.slack_user,
                "by_link": row.by_link,
                "since": row.joined_at.isoformat(),
                "until": row.left_at.isoformat() if row.left_at else None,
            }
            for row in user.slack_identities.select_related("workspace").order_by("pk")
        ],
        "sessions": [
            {
                "browser": row.browser,
                "system": row.system,
                "address": row.address,
                "started_at": row.started_at.isoformat(),
                "used_at": row.used_at.isoformat(),
            }
            for row in SignedInSession.objects.filter(user=user).order_by("started_at")
        ],
        "api_keys": [
            {
                "name": row.name,
                "created_at": row.created_at.isoformat(),
                "expires_at": row.expires_at.isoformat(),
                "revoked": row.revoked_at is not None,
            }
            for row in ApiKey.objects.filter(user=user).order_by("pk")
        ],
        "wishes_about_answers": None
        if style is None
        else {
            "length": style.length,
            "tone": style.tone,
            "audience": style.audience,
            "instructions": style.instructions,
        },
    }


def _activity(user: User) -> list[Json]:
    """What the audit log says that they did. What it was done to may be somebody else, and is left out."""
    # Entries without a number may be somebody's who had the address before, so only those since count.
    by_name = AuditEvent.objects.filter(actor=user.email, actor_id=None, at__gte=user.created_at)
    rows = AuditEvent.objects.filter(actor_id=user.pk) | by_name
    return [
        {"at": row.at.isoformat(), "event": row.event, "via": row.via, "address": row.address}
        for row in rows.order_by("pk").iterator(500)
    ]


def _files(viewer: Viewer) -> Iterator[tuple[str, str]]:
    rows = ChatFile.objects.filter(conversation__user=viewer.user_id).select_related("document")
    for row in rows.order_by("pk"):
        [text] = passage_texts(viewer, [(row.document_id, row.document.version, 0, _WHOLE)])
        if text is not None:
            yield f"files/{row.pk} {row.name.replace('/', '_')}.txt", text


def _written(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
