"""Reaching an SSH server: only the one whose key is known, and only with what the settings give."""

from __future__ import annotations

import io
import queue
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import paramiko

from assistant.common.told import Told, said, told
from connectors.sdk.errors import Reconfigure, Retry
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import network_errors
from connectors.sources.sftp.wire import Broken, Sftp

_TIMEOUT_S = 30.0
_RETRY_S = 60.0
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
_KEY_TYPES: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who signs in where. Fingerprints are those that `ssh-keygen -l` prints: SHA256 and 43 characters."""

    host: str
    port: int
    user: str
    fingerprints: tuple[str, ...]
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)


class Session:
    """A connection that was signed in, with as many SFTP sessions on it as threads ask at once."""

    def __init__(self, sign_in: SignIn, surroundings: Surroundings) -> None:
        self._where = f"{sign_in.host}:{sign_in.port}"
        self._idle: queue.SimpleQueue[tuple[paramiko.Channel, Sftp]] = queue.SimpleQueue()
        self._opening = threading.Lock()
        known = _known(sign_in.fingerprints)
        with network_errors():
            surroundings.pace.turn(stopped=surroundings.stopped)
            self._socket = surroundings.network.connect(sign_in.host, sign_in.port, timeout_s=_TIMEOUT_S)
        try:
            self._transport = self._greeted(known)
            self._admitted(sign_in)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def sftp(self) -> Iterator[Sftp]:
        """An SFTP session for one thread.

        Raises:
            Retry: the server fell silent, hung up or does not keep to the protocol.
        """
        try:
            channel, sftp = self._borrowed()
        except (paramiko.SSHException, EOFError, OSError, Broken) as error:
            raise self._lost(error) from error
        try:
            yield sftp
        except (paramiko.SSHException, EOFError, OSError, Broken) as error:
            channel.close()
            raise self._lost(error) from error
        except BaseException:
            # An answer may be on its way that nobody waits for: such a session is not used again.
            channel.close()
            raise
        self._idle.put((channel, sftp))

    def close(self) -> None:
        """Hang up."""
        if hasattr(self, "_transport"):
            self._transport.close()
        self._socket.close()

    def _borrowed(self) -> tuple[paramiko.Channel, Sftp]:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pass
        with self._opening:
            channel = self._transport.open_session(timeout=_TIMEOUT_S)
        channel.settimeout(_TIMEOUT_S)
        with self._hung_up_after(_TIMEOUT_S):
            channel.invoke_subsystem("sftp")
        return channel, Sftp(channel)

    @contextmanager
    def _hung_up_after(self, seconds: float) -> Iterator[None]:
        """Hang up if the block takes longer: paramiko would wait for this answer for ever."""
        watch = threading.Timer(seconds, self._transport.close)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _was_answered(self, error: paramiko.AuthenticationException) -> bool:
        """Whether the server has refused: paramiko raises the same when the connection is lost."""
        return self._transport.is_active() and "timeout" not in str(error).lower()

    def _lost(self, error: Exception) -> Retry:
        spoken = said(error)
        # What a server said is of any length; a sentence of our own is not, and cut it would be told no more.
        reason = spoken if isinstance(spoken, Told) else (spoken or type(error).__name__)[:200]
        return Retry(
            told("The SFTP server {where} stopped answering: {reason}.", where=self._where, reason=reason),
            after=_RETRY_S,
        )

    def _greeted(self, known: frozenset[str]) -> paramiko.Transport:
        """The encrypted connection to a server whose key is known."""
        try:
            transport = paramiko.Transport(self._socket)
            self._transport = transport
            transport.auth_timeout = _TIMEOUT_S
            transport.start_client(timeout=_TIMEOUT_S)
            fingerprint = _plain(transport.get_remote_server_key().fingerprint)
        except paramiko.ssh_exception.IncompatiblePeer as error:
            raise Reconfigure(
                told("{where} offers no safe encryption: {error}.", where=self._where, error=error)
            ) from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise Retry(
                told("{where} does not answer as an SSH server: {error}.", where=self._where, error=error),
                after=_RETRY_S,
            ) from error
        if not known:
            raise Reconfigure(
                told(
                    "The server {where} has the key {fingerprint}. Compare it with what its "
                    "administrator says and enter it as the fingerprint of the host key; until then "
                    "nobody signs in.",
                    where=self._where,
                    fingerprint=fingerprint,
                )
            )
        if fingerprint not in known:
            raise Reconfigure(
                told(
                    "The server {where} shows the key {fingerprint}, not the one in the settings. "
                    "Somebody may be in between: ask its administrator before you change the fingerprint.",
                    where=self._where,
                    fingerprint=fingerprint,
                )
            )
        return transport

    def _admitted(self, sign_in: SignIn) -> None:
        if not sign_in.password and not sign_in.private_key:
            raise Reconfigure(told("Neither a password nor a private key is set: add one to the secrets."))
        try:
            if sign_in.private_key:
                left = self._transport.auth_publickey(sign_in.user, _key(sign_in))
            else:
                left = self._transport.auth_password(sign_in.user, sign_in.password)
        except paramiko.AuthenticationException as error:
            if not self._was_answered(error):
                raise Retry(
                    told(
                        "{where} hung up or fell silent while '{user}' signed in. If it goes on doing so, "
                        "check the user and what proves it.",
                        where=self._where,
                        user=sign_in.user,
                    ),
                    after=_RETRY_S,
                ) from error
            raise Reconfigure(
                told(
                    "{where} does not let '{user}' in: check the user and the {proof}.",
                    where=self._where,
                    user=sign_in.user,
                    proof=told("private key") if sign_in.private_key else told("password"),
                )
            ) from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._lost(error) from error
        if left:
            raise Reconfigure(
                told(
                    "{where} wants more than one proof of '{user}': allow one alone.",
                    where=self._where,
                    user=sign_in.user,
                )
            )


def _known(fingerprints: tuple[str, ...]) -> frozenset[str]:
    for each in fingerprints:
        if not _FINGERPRINT.fullmatch(each.strip()):
            raise Reconfigure(
                told("'{each}' is no fingerprint: write SHA256: and its 43 characters.", each=each[:80])
            )
    return frozenset(_plain(each.strip()) for each in fingerprints)


def _plain(fingerprint: str) -> str:
    return fingerprint.rstrip("=")


def _key(sign_in: SignIn) -> paramiko.PKey:
    for key_type in _KEY_TYPES:
        try:
            return key_type.from_private_key(io.StringIO(sign_in.private_key), sign_in.passphrase or None)
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise Reconfigure(
        told(
            "The private key cannot be read: give an Ed25519, ECDSA or RSA key with its first "
            "and last line, and its passphrase if it has one."
        )
    )
