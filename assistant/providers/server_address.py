"""Where a language model's server is asked, and by which header it learns who asks."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from assistant.common.http_messages import Origin
from assistant.providers.contract import ChatServer

_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_DEPLOYMENT = "/openai/deployments/"


def endpoint(server: ChatServer, path: str) -> str:
    """The configured address with `path` below it; a query, such as Azure's `api-version`, stays last."""
    parts = urlsplit(server.url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + path))


def origin_of(server: ChatServer) -> Origin:
    """The server as the guarded client knows it. The key goes there and nowhere else."""
    headers: dict[str, str] = {}
    if server.api_key and is_azure(server.url):
        headers["api-key"] = server.api_key
    elif server.api_key:
        headers["Authorization"] = f"Bearer {server.api_key}"
    return Origin(server.url, headers, ca_file=server.ca_file)


def is_azure(url: str) -> bool:
    """Whether this is Azure's API, which takes its keys in a header of its own; also behind a gateway."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return host.endswith(_AZURE_HOSTS) or _DEPLOYMENT in parts.path
