"""Where sessions are kept: rows that know whose they are, so that they can be listed and ended one by one.

A session ends when its row is gone: the next request with its cookie is nobody's, in every process. It also
ends when nobody used it for `MUNDAP_SESSION_IDLE_S`, and `SESSION_COOKIE_AGE` after signing in, however much
it is used; earlier where who vouched for its person said so. When it was used is written at most every few
minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import transaction
from django.utils import timezone

from assistant.accounts.door_models import SignedInSession, new_handle
from assistant.common.types import Json

_NOTED_EVERY = timedelta(minutes=5)
_ABOUT = "about"  # what the person is told of this session; written once, when they sign in


class SessionStore(DatabaseStore):
    """Sessions of Django, in rows of our own."""

    @classmethod
    def get_model_class(cls) -> type[SignedInSession]:
        """The rows."""
        return SignedInSession

    def load(self) -> dict[str, Json]:
        """What the session holds; nothing once it ended or was not used for too long."""
        row = self._usable(SignedInSession.objects.filter(session_key=self.session_key).first())
        if row is None:
            self._session_key = None
            return {}
        if timezone.now() - row.used_at >= _noted_every():
            _note_use(row)
        return dict(self.decode(row.session_data))

    async def aload(self) -> dict[str, Json]:
        """See `load`."""
        row = self._usable(await SignedInSession.objects.filter(session_key=self.session_key).afirst())
        if row is None:
            self._session_key = None
            return {}
        if timezone.now() - row.used_at >= _noted_every():
            await SignedInSession.objects.filter(pk=row.pk).aupdate(used_at=timezone.now())
        return dict(self.decode(row.session_data))

    def cycle_key(self) -> None:
        """A new key for the same session, whose row stays, and so does what hangs on it.

        One that ended meanwhile is not begun anew: it keeps its key, and saving it is refused.
        """
        self._get_session()  # type: ignore[attr-defined]  # read while the key of before counts
        before = self.session_key
        if before is None:
            self.create()
            return
        key: str = self._get_new_session_key()  # type: ignore[attr-defined]  # the stubs leave it out
        with transaction.atomic():  # references are looked at when it ends
            if not SignedInSession.objects.filter(session_key=before).update(session_key=key):
                return
            for relation in SignedInSession._meta.related_objects:
                name = relation.field.name
                relation.related_model._base_manager.filter(**{name: before}).update(**{name: key})
        self._session_key = key
        self.modified = True

    async def acycle_key(self) -> None:
        """See `cycle_key`."""
        await sync_to_async(self.cycle_key)()

    def create_model_instance(self, data: Mapping[str, Json]) -> SignedInSession:
        """The row for what the session holds now."""
        key: str = self._get_or_create_session_key()  # type: ignore[attr-defined]  # the stubs leave it out
        return self._row(data, key, self.get_expiry_date())

    async def acreate_model_instance(self, data: Mapping[str, Json]) -> SignedInSession:
        """See `create_model_instance`."""
        key: str = await self._aget_or_create_session_key()  # type: ignore[attr-defined]  # as above
        return self._row(data, key, await self.aget_expiry_date())

    def _row(self, data: Mapping[str, Json], key: str, expires: datetime) -> SignedInSession:
        about = data.get(_ABOUT)
        facts = {name: str(fact) for name, fact in about.items()} if isinstance(about, dict) else {}
        person = data.get(SESSION_KEY)
        started = datetime.fromisoformat(facts["started"]) if "started" in facts else timezone.now()
        ends = datetime.fromisoformat(facts["ends"]) if "ends" in facts else expires
        return SignedInSession(
            session_key=key,
            session_data=self.encode(dict(data)),
            expire_date=min(expires, started + timedelta(seconds=settings.SESSION_COOKIE_AGE), ends),
            handle=facts.get("handle") or new_handle(),
            user_id=int(person) if isinstance(person, str) else None,
            started_at=started,
            used_at=timezone.now(),
            browser=facts.get("browser", ""),
            system=facts.get("system", ""),
            address=facts.get("address", ""),
        )

    @staticmethod
    def _usable(row: SignedInSession | None) -> SignedInSession | None:
        now = timezone.now()
        return row if row is not None and row.expire_date > now and row.used_at > idle_since(now) else None


def describe(*, browser: str, system: str, address: str, ends_at: datetime | None = None) -> dict[str, Json]:
    """What a new session tells of itself, to be kept under `about_key()`; `ends_at`: when it is over at the
    latest."""
    started = timezone.now().isoformat()
    ends: dict[str, Json] = {} if ends_at is None else {"ends": ends_at.isoformat()}
    return {
        **ends,
        "handle": new_handle(),
        "started": started,
        "browser": browser,
        "system": system,
        "address": address,
    }


def about_key() -> str:
    """The key in a session's data."""
    return _ABOUT


def idle_since(now: datetime) -> datetime:
    """Sessions that were last used before this have ended."""
    return now - timedelta(seconds=settings.MUNDAP_SESSION_IDLE_S)


def _noted_every() -> timedelta:
    """Rarely, but often enough for the idle time to mean something."""
    return min(_NOTED_EVERY, timedelta(seconds=settings.MUNDAP_SESSION_IDLE_S / 10))


def _note_use(row: SignedInSession) -> None:
    SignedInSession.objects.filter(pk=row.pk).update(used_at=timezone.now())
