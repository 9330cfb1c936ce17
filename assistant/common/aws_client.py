"""Clients of Amazon's APIs that take nothing from the environment or the files of whoever runs Mundap.

botocore signs, encodes and understands. It emits `before-send` for each signed request and takes an
answer that a handler gives instead of sending the request itself, so that no connection is made but by
the guarded client.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from typing import cast

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.config import Config

DEFAULT_REGION = "us-east-1"
_making = threading.Lock()  # sessions are not safe to make clients in several threads

Sender = Callable[[AWSPreparedRequest], AWSResponse]


def aws_client(  # noqa: PLR0913 - all of them go on to botocore by name
    service: str,
    *,
    access_key_id: str,
    secret_access_key: str,
    session_token: str = "",
    endpoint: str = "",
    region: str = "",
    config: Config,
    send: Sender,
) -> BaseClient:
    """A client of one service, whose requests `send` answers. `endpoint` empty: Amazon's own.

    Raises:
        BotoCoreError, ValueError: endpoint or region is none.
    """
    with _making:
        client = _session().create_client(
            service,
            region_name=region or DEFAULT_REGION,
            endpoint_url=endpoint or None,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            aws_session_token=session_token or None,
            config=config,
        )

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return send(request)

    hyphenized = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-send.{hyphenized}", cast("Callable[..., None]", answer))
    return client


def request_headers(request: AWSPreparedRequest) -> dict[str, str]:
    """The headers of a signed request as text."""
    return {
        name: value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for name, value in dict[str, str | bytes](request.headers).items()
    }


@functools.cache
def _session() -> botocore.session.Session:
    """Shared, because it reads the description of each API once."""
    return botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
            "ignore_configured_endpoint_urls": (None, None, True, None),
        }
    )
