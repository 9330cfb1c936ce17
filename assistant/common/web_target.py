"""Which server and which page does a web address name? Nothing is sent to an address that leaves doubt."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin

import httpcore2
import httpx2

from assistant.common.network import AddressRefused
from assistant.common.told import told

_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class WebTarget:
    """An http or https address. `url` has no fragment; `origin` always names the port."""

    url: str
    origin: str
    authority: str  # as the header Host names it
    _parts: httpx2.URL

    @property
    def shown(self) -> str:
        """The server, for a message."""
        return f"{self._parts.scheme}://{self.authority}"[:200]

    @property
    def scheme(self) -> str:
        """http or https."""
        return self._parts.scheme

    def for_pool(self) -> httpcore2.URL:
        """The same for the connection pool."""
        parts = self._parts
        return httpcore2.URL(
            scheme=parts.raw_scheme, host=parts.raw_host, port=parts.port, target=parts.raw_path
        )

    def joined(self, reference: str) -> WebTarget:
        """Where a redirect to `reference` leads.

        Raises:
            AddressRefused: see `parse_target`.
        """
        try:
            # A header has bytes; those beyond ASCII are UTF-8 where servers write names plainly.
            readable = reference.encode("latin-1").decode("utf-8", "replace")
            return parse_target(urljoin(self.url, readable.strip()))
        except ValueError as error:
            raise AddressRefused(
                told("{shown} redirects to what is no web address.", shown=self.shown)
            ) from error


def parse_target(url: str) -> WebTarget:
    """The server and page of `url`.

    Raises:
        AddressRefused: no http or https address, one that carries a password, or a host that
            cannot be one. The message does not quote the page, which may be confidential.
    """
    try:
        parts = httpx2.URL(url)
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise AddressRefused(told("The address is not a web address: check how it is written.")) from error
    if parts.scheme not in _PORTS:
        raise AddressRefused(
            told("'{scheme}' is no scheme to be asked: only http and https are.", scheme=parts.scheme[:20])
        )
    if parts.userinfo:
        raise AddressRefused(told("An address with a user or password in it is not asked: take them out."))
    host = parts.raw_host.decode("ascii")
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    if not host or host.startswith(".") or "%" in host or not 0 < port <= _HIGHEST_PORT:
        raise AddressRefused(
            told("'{host}' with port {port} is no server: check the address.", host=host[:80], port=port)
        )
    named = f"[{host}]" if ":" in host else host
    authority = named if port == _PORTS[parts.scheme] else f"{named}:{port}"
    plain = parts.copy_with(fragment=None) if "#" in url else parts
    return WebTarget(str(plain), f"{parts.scheme}://{named}:{port}", authority, plain)
