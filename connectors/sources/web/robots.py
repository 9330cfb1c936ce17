"""May this page be asked for, and how often? What robots.txt of its host says (RFC 9309)."""

from __future__ import annotations

from collections.abc import Callable

from protego import Protego

from assistant.common.http_messages import Answer, TooLarge
from assistant.common.told import told
from connectors.sdk.errors import Reconfigure, Retry
from connectors.sources.web.addresses import origin

MAX_ROBOTS_BYTES = 1_000_000
LONGEST_DELAY_S = 60.0
_SERVER_ERROR = 500
_LATER_S = 600.0


class Robots:
    """The rules of each host, read once. `ignored`: the administrator says that they do not hold."""

    def __init__(self, ask: Callable[[str, int], Answer], *, agent: str, ignored: bool) -> None:
        self._ask = ask
        self._agent = agent
        self._ignored = ignored
        self._known: dict[str, Protego] = {}

    def allows(self, address: str) -> bool:
        """Whether the page may be asked for.

        Raises:
            Retry: the host's rules cannot be read now. Until they can, nothing is asked for.
            Reconfigure: they are larger than anybody reads.
        """
        return self._ignored or self._rules(address).can_fetch(address, self._agent)

    def delay_s(self, address: str) -> float:
        """Seconds that the host wants between two requests, at most a minute."""
        if self._ignored:
            return 0.0
        return min(self._rules(address).crawl_delay(self._agent) or 0.0, LONGEST_DELAY_S)

    def _rules(self, address: str) -> Protego:
        host = origin(address)
        if host not in self._known:
            self._known[host] = Protego.parse(self._text(f"{host}/robots.txt"))
        return self._known[host]

    def _text(self, address: str) -> str:
        try:
            answer = self._ask(address, MAX_ROBOTS_BYTES)
        except TooLarge as error:
            raise Reconfigure(
                told("{address} is larger than {most} bytes.", address=address, most=f"{MAX_ROBOTS_BYTES:,}")
            ) from error
        if answer.status >= _SERVER_ERROR:
            raise Retry(
                told(
                    "{address} answers {status}; until it can be read, no page may be.",
                    address=address,
                    status=answer.status,
                ),
                after=_LATER_S,
            )
        return answer.text if answer.ok else ""
