"""The settings of one web source, as values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assistant.common.acl import Acl
from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.common.types import JsonObject
from connectors.sdk.audience import audience_acl
from connectors.sources.web.addresses import Scope, canonical, folder
from connectors.sources.web.session import FormSignIn

DEFAULT_DEPTH, DEFAULT_PAGES, DEFAULT_DELAY_MS = 10, 10_000, 500
DEFAULT_AGENT = "Mundap"


@dataclass(frozen=True, slots=True)
class Manners:
    """How the site is asked. `delay_ms`: the least time between two requests, in milliseconds."""

    agent: str = DEFAULT_AGENT
    delay_ms: int = DEFAULT_DELAY_MS
    ignore_robots: bool = False
    basic: tuple[str, str] | None = field(default=None, repr=False)
    form: FormSignIn | None = None


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What is read, how, and for whom. `start` and `sitemaps` are canonical addresses."""

    start: tuple[str, ...]
    sitemaps: tuple[str, ...]
    scope: Scope
    audience: Acl
    manners: Manners = Manners()
    depth: int = DEFAULT_DEPTH
    pages: int = DEFAULT_PAGES
    ignore_canonical: bool = False
    trust_lastmod: bool = False

    @property
    def first(self) -> str:
        """The address whose host the user name and password of basic sign-in are meant for."""
        return (self.start or self.sitemaps)[0]

    @property
    def crawl_digest(self) -> str:
        """Changes with whatever changes which pages a crawl visits."""
        parts = (self.start, self.sitemaps, self.scope, self.depth, self.pages, self.ignore_canonical)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def web_settings(config: JsonObject, secrets: Mapping[str, str]) -> WebSettings:
    """The settings in a validated configuration.

    Raises:
        UsageError: they contradict each other or name no address.
    """
    dropped = _lines(config, "drop_parameters")
    start = _addresses(config, "start", dropped)
    sitemaps = _addresses(config, "sitemaps", ())
    if not (start or sitemaps):
        raise UsageError(
            told("A source of kind 'web' needs 'start' or 'sitemaps': give at least one address.")
        )
    manners = _manners(config, secrets)
    within = _addresses(config, "within", ()) or tuple(dict.fromkeys(map(folder, start + sitemaps)))
    scope = Scope(within, _lines(config, "exclude"), dropped, signed_in=manners.form is not None)
    for address in start:
        if scope.address(address) != address:
            raise UsageError(
                told(
                    "The start address '{address}' is itself left out: check the other settings.",
                    address=address[:80],
                )
            )
    return WebSettings(
        start=start,
        sitemaps=sitemaps,
        scope=scope,
        audience=audience_acl(config.get("audience")),
        manners=manners,
        depth=_number(config, "depth", DEFAULT_DEPTH),
        pages=_number(config, "max_pages", DEFAULT_PAGES),
        ignore_canonical=config.get("ignore_canonical") is True,
        trust_lastmod=config.get("trust_lastmod") is True,
    )


def _manners(config: JsonObject, secrets: Mapping[str, str]) -> Manners:
    basic, form = None, None
    way = config.get("sign_in")
    if way is not None:
        username, password = str(config.get("username", "")), secrets.get("password", "")
        if not (username and password):
            raise UsageError(
                told(
                    "To sign in, a source of kind '{kind}' needs 'username' and the secret 'password'.",
                    kind="web",
                )
            )
        if way == "basic":
            basic = (username, password)
        else:
            form = _form(config, username, password)
    return Manners(
        agent=str(config.get("user_agent", DEFAULT_AGENT)),
        delay_ms=_number(config, "delay_ms", DEFAULT_DELAY_MS),
        ignore_robots=config.get("ignore_robots") is True,
        basic=basic,
        form=form,
    )


def _form(config: JsonObject, username: str, password: str) -> FormSignIn:
    if "login_url" not in config:
        raise UsageError(told("To sign in with a form, a source of kind 'web' needs 'login_url'."))
    return FormSignIn(
        address=str(config["login_url"]),
        username=username,
        password=password,
        username_field=str(config.get("username_field", "")),
        password_field=str(config.get("password_field", "")),
    )


def _addresses(config: JsonObject, name: str, dropped: Sequence[str]) -> tuple[str, ...]:
    found = []
    for line in _lines(config, name):
        address = canonical(line, dropped=dropped)
        if not address:
            raise UsageError(
                told(
                    "'{line}' in '{name}' of kind '{kind}' must be an http or https address.",
                    line=line[:80],
                    name=name,
                    kind="web",
                )
            )
        found.append(address)
    return tuple(dict.fromkeys(found))


def _lines(config: JsonObject, name: str) -> tuple[str, ...]:
    value = config.get(name)
    return tuple(str(line) for line in value) if isinstance(value, Sequence) else ()


def _number(config: JsonObject, name: str, otherwise: int) -> int:
    value = config.get(name)
    return value if isinstance(value, int) else otherwise
