"""What this process knows of each provider: its configuration and its keys, for a while.

Everything is asked through the guarded client, without following redirects, and bounded.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.conf import settings as django_settings

from assistant.common.errors import MundapError
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Answer, Ask, Origin, Reach
from assistant.common.network import Network
from assistant.common.told import said, told
from assistant.common.types import JsonObject
from assistant.identity.oidc.metadata import Metadata, metadata_of
from assistant.identity.oidc.rejections import Reason, Rejected
from assistant.identity.oidc.settings import Settings
from assistant.identity.oidc.storable import is_storable

_METADATA_LIFE_S = 3600.0
_KEYS_LIFE_S = 600.0
_USED_WITHOUT_ANSWER_S = 4 * 3600.0  # how long what is known serves while the provider does not answer
_LOOK_AGAIN_EVERY_S = 60.0  # for a key that nobody knows: tokens can be sent by anybody
_NOT_ASKED_AGAIN_S = 5.0  # after it did not answer: anybody can begin a sign-in
_PATIENCE_S = 2.0  # with another thread that asks
_SILENCE_S, _LONGEST_S = 8.0, 15.0
_MOST_BYTES = 512_000
_MOST_KEYS = 100
_OK = 200


@dataclass(slots=True)
class _Memory:
    """Of one provider. Moments are `time.monotonic`."""

    metadata: Metadata | None = None
    metadata_at: float = 0.0
    keys: tuple[JsonObject, ...] = ()
    keys_at: float | None = None
    looked_again_at: float | None = None
    failed_at: float = -math.inf
    failure: Rejected | None = None  # the last time that it did not answer
    lock: threading.Lock = field(default_factory=threading.Lock)

    def require_patience(self, *, is_alone: bool) -> None:
        """Nothing is asked while another thread asks, nor right after an answer that did not come.

        Raises:
            Rejected: the provider is not asked now.
        """
        if not is_alone:
            raise Rejected(
                Reason.UNREACHABLE, told("The provider was asked by somebody else and has not answered yet.")
            )
        if self.failure is not None and time.monotonic() - self.failed_at < _NOT_ASKED_AGAIN_S:
            raise Rejected(self.failure.reason, self.failure.detail)

    def note(self, rejected: Rejected, *, is_alone: bool) -> None:
        """It did not answer, or not usefully. Who only waited knows nothing of that."""
        if is_alone and time.monotonic() - self.failed_at >= _NOT_ASKED_AGAIN_S:
            self.failed_at, self.failure = time.monotonic(), rejected


_memories: dict[tuple[int, str, str], _Memory] = {}
_guard = threading.Lock()


def forget(provider_id: int | None = None) -> None:
    """Know nothing of this provider or, without one, of any, as a new process does."""
    with _guard:
        for key in [key for key in _memories if provider_id in (None, key[0])]:
            del _memories[key]


def client_of(settings: Settings) -> GuardedClient:
    """A client for this provider alone. The caller closes it."""
    reach = Reach(Network(django_settings.MUNDAP_ALLOWED_NETWORKS))
    origin = Origin(ca_file=settings.ca_file)
    return GuardedClient(reach, origin, timeout_s=_SILENCE_S, tries=1, longest_s=_LONGEST_S)


def metadata_for(settings: Settings, client: GuardedClient) -> Metadata:
    """The provider's configuration, at most an hour old unless it does not answer.

    Raises:
        Rejected: it cannot be read, or cannot be used.
    """
    memory = _memory(settings)
    with _alone(memory) as is_alone:
        age = time.monotonic() - memory.metadata_at
        if memory.metadata is not None and age < _METADATA_LIFE_S:
            return memory.metadata
        try:
            memory.require_patience(is_alone=is_alone)
            address = f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            found = metadata_of(_document(client, address), issuer=settings.issuer)
        except Rejected as rejected:
            memory.note(rejected, is_alone=is_alone)
            if memory.metadata is None or age > _USED_WITHOUT_ANSWER_S or rejected.reason != "unreachable":
                raise
            return memory.metadata
        memory.metadata, memory.metadata_at = found, time.monotonic()
        return found


def keys_for(
    settings: Settings, client: GuardedClient, metadata: Metadata, number: str | None
) -> Sequence[JsonObject]:
    """The keys that the provider publishes. Where the wanted one is not among them, they are read again.

    Raises:
        Rejected: they cannot be read.
    """
    memory = _memory(settings)
    with _alone(memory) as is_alone:
        now = time.monotonic()
        age = None if memory.keys_at is None else now - memory.keys_at
        if age is None or age >= _KEYS_LIFE_S:
            try:
                memory.require_patience(is_alone=is_alone)
                memory.keys = _published(client, metadata)
            except Rejected as rejected:
                memory.note(rejected, is_alone=is_alone)
                if age is None or age > _USED_WITHOUT_ANSWER_S or rejected.reason != "unreachable":
                    raise
                return memory.keys
            memory.keys_at = time.monotonic()
        elif is_alone and number is not None and all(key.get("kid") != number for key in memory.keys):
            last = memory.looked_again_at
            if last is None or now - last >= _LOOK_AGAIN_EVERY_S:
                memory.looked_again_at = now
                memory.keys, memory.keys_at = _published(client, metadata), time.monotonic()
        return memory.keys


@contextmanager
def _alone(memory: _Memory) -> Iterator[bool]:
    """One thread asks a provider, and the others wait for what it hears, but not for long: a provider that
    does not answer must not hold every thread that somebody sends there. False: another still asks."""
    is_alone = memory.lock.acquire(timeout=_PATIENCE_S)
    try:
        yield is_alone
    finally:
        if is_alone:
            memory.lock.release()


def asked(client: GuardedClient, address: str, *, headers: Mapping[str, str]) -> Answer:
    """A page of the provider, read whole.

    Raises:
        Rejected: it does not answer, may not be asked, or says too much.
    """
    ask = Ask(
        "GET", address, headers={"accept": "application/json", **headers}, max_bytes=_MOST_BYTES, redirects=0
    )
    return _sent(client, ask)


def posted(
    client: GuardedClient, address: str, form: Mapping[str, str], *, headers: Mapping[str, str]
) -> Answer:
    """The provider's answer to a form.

    Raises:
        Rejected: see `asked`.
    """
    usual = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    content = urlencode(form).encode("ascii")
    return _sent(
        client,
        Ask(
            "POST", address, headers={**usual, **headers}, content=content, max_bytes=_MOST_BYTES, redirects=0
        ),
    )


def object_in(answer: Answer) -> JsonObject:
    """The JSON object that an answer is.

    Raises:
        Rejected: it is none.
    """
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise Rejected(Reason.MALFORMED) from error
    if not isinstance(found, dict) or not is_storable(found):
        raise Rejected(Reason.MALFORMED)
    return found


def _sent(client: GuardedClient, ask: Ask) -> Answer:
    try:
        return client.send(ask)
    except MundapError as error:
        raise Rejected(Reason.UNREACHABLE, said(error)) from error


def _document(client: GuardedClient, address: str) -> JsonObject:
    answer = asked(client, address, headers={})
    if answer.status != _OK:
        raise Rejected(
            Reason.METADATA,
            told("{address} answers {status}.", address=address, status=answer.status),
        )
    return object_in(answer)


def _published(client: GuardedClient, metadata: Metadata) -> tuple[JsonObject, ...]:
    keys = _document(client, metadata.keys).get("keys")
    if not isinstance(keys, list) or len(keys) > _MOST_KEYS:
        raise Rejected(Reason.METADATA, told("The provider's keys cannot be read."))
    return tuple(key for key in keys if isinstance(key, dict))


def _memory(settings: Settings) -> _Memory:
    with _guard:
        return _memories.setdefault((settings.provider_id, settings.issuer, settings.ca_file), _Memory())
