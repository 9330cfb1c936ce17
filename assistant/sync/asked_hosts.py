"""Which hosts does a source ask, and does local-only mode let it?"""

from __future__ import annotations

from assistant.common import local_only
from assistant.common.told import Told
from assistant.sync.configuration import kind_of
from assistant.sync.models import Source


def asked_addresses(source: Source) -> tuple[str, ...]:
    """The hosts and addresses that its settings name."""
    kind = kind_of(source)
    values = [source.config.get(name) for name in kind.asks]
    texts = [text for value in values for text in (value if isinstance(value, list) else [value]) if text]
    found = tuple(str(text) for text in texts)
    return found or ((kind.asks_otherwise,) if kind.asks_otherwise else ())


def refusal_of(source: Source) -> Told | None:
    """Why local-only mode keeps it from its documents; None where it does not. Asks nobody."""
    return local_only.refusal_of_any(asked_addresses(source))
