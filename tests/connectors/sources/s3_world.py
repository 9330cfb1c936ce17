"""A bucket on a real S3 server, with its access file and groups file in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from assistant.common.network import Network, parse_networks
from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.hostile_proxy import BehindProxy
from tests.connectors.servers.s3 import s3_server
from tests.connectors.worlds import amazon_entries

LOOPBACK = Network(parse_networks("127.0.0.0/8"))
SECRETS = {"secret_access_key": "tester-secret"}


class S3World:
    """A bucket of its own on the session's server."""

    kind: ConnectorKind = connector_kind("s3")

    def __init__(self, folder: Path) -> None:
        self.server = s3_server()
        self.bucket = self.server.new_bucket()
        self.scratch = folder / "scratch"
        self._texts: dict[str, str] = {}
        self._items: dict[str, Json] = {}
        self._groups: dict[str, Json] = {}
        self._write()

    @property
    def config(self) -> dict[str, Json]:
        """The settings of a source that reads this bucket."""
        return {
            "bucket": self.bucket,
            "endpoint": self.server.endpoint,
            "access_key_id": "tester",
            "access_file": "access.json",
            "groups_file": "groups.json",
        }

    def connector(self, **more: Json) -> Connector:
        """A connector as the engine would build it; `more` changes settings, None takes one away."""
        return self.connector_in(Surroundings(network=LOOPBACK, scratch=self.scratch), **more)

    def connector_in(self, surroundings: Surroundings, **more: Json) -> Connector:
        """The same in other surroundings."""
        config = {key: value for key, value in {**self.config, **more}.items() if value is not None}
        return self.kind.build(config, SECRETS, surroundings)

    def put(self, name: str, text: str) -> str:
        if self._texts.get(name) != text:
            self.write(name, text.encode())
            self._texts[name] = text
        return name

    def write(self, key: str, data: bytes) -> None:
        """An object, whatever was there."""
        self.server.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def companion(self, name: str, value: Json) -> None:
        """What `name.metadata.json` says."""
        self.write(f"{name}.metadata.json", json.dumps(value).encode())

    def delete(self, name: str) -> None:
        self._texts.pop(name, None)
        self.server.client.delete_object(Bucket=self.bucket, Key=name)

    def move(self, old: str, new: str) -> None:
        """Copy and delete: a store knows no other move."""
        source = {"Bucket": self.bucket, "Key": old}
        self.server.client.copy_object(Bucket=self.bucket, Key=new, CopySource=source)
        self.delete(old)

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None:
        self.set_item(name, {"keyPrefix": name, "aclEntries": amazon_entries(allow, deny)})

    def set_item(self, name: str, item: Json) -> None:
        self._items[name] = item
        self._write()

    def drop_item(self, name: str) -> None:
        """The access file names this prefix no more."""
        del self._items[name]
        self._write()

    def break_acl(self, name: str) -> None:
        self.set_item(name, {"keyPrefix": name, "aclEntries": "everybody"})

    def set_group(self, name: str, members: Sequence[str]) -> None:
        self._groups[name] = {"group": name, "members": list(members)}
        self._write()

    def break_groups(self) -> None:
        self._groups["staff"] = {"group": "staff", "members": ["the whole staff"]}
        self._write()

    def vanish(self) -> None:
        client = self.server.client
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for item in page.get("Contents", []):
                client.delete_object(Bucket=self.bucket, Key=item["Key"])
        client.delete_bucket(Bucket=self.bucket)

    def _write(self) -> None:
        self.write("access.json", json.dumps(list(self._items.values())).encode())
        self.write("groups.json", json.dumps(list(self._groups.values())).encode())


class SpoiledS3World(BehindProxy, S3World):
    """The same, read through a hostile proxy."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.put_proxy_before(self.server.endpoint)

    @property
    def config(self) -> dict[str, Json]:
        return {**super().config, "endpoint": self.proxy.url}

    def connector(self, **more: Json) -> Connector:
        """Without a place to keep companions, so that each run asks for them."""
        return self.connector_in(Surroundings(network=LOOPBACK), **more)
