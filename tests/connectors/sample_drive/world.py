"""The drive with its real server behind a hostile proxy, as the suite wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from assistant.common.network import Network, parse_networks
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.common.scripted_server import serving
from tests.connectors.hostile_proxy import BehindProxy
from tests.connectors.sample_drive.api import DriveApi
from tests.connectors.sample_drive.connector import DriveConnector
from tests.connectors.sample_drive.drive import Drive
from tests.connectors.sample_drive.kind import KIND
from tests.connectors.sample_drive.server import DriveService

TOKEN = "open sesame"


class DriveWorld(BehindProxy):
    """A drive that the tests can change."""

    kind: ConnectorKind = KIND

    def __init__(self, folder: Path, *, make: Callable[[DriveApi], Connector] = DriveConnector) -> None:
        self.drive = Drive()
        self._service = DriveService(self.drive, TOKEN)
        self._make = make
        self._serving = ExitStack()
        self.put_proxy_before(self._serving.enter_context(serving(fallback=self._service)).url)

    def close(self) -> None:
        super().close()
        self._serving.close()

    def connector(self) -> Connector:
        """A connector as the engine would build it."""
        surroundings = Surroundings(network=Network(parse_networks("127.0.0.0/8")))
        return self._make(DriveApi(surroundings, url=self.proxy.url, token=TOKEN))

    def put(self, name: str, text: str) -> str:
        return self.drive.put(name, text)

    def fill(self, folder: str, count: int) -> list[str]:
        return [self.drive.put(f"{folder}/{folder}-{number}.txt", "one of many") for number in range(count)]

    def delete(self, name: str) -> None:
        self.drive.delete(name)

    def move(self, name: str, folder: str) -> None:
        self.drive.move(name, folder)

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None:
        denied = [["deny", each] for each in deny]
        self.drive.set_entries(name, [*denied, *(["allow", each] for each in allow)])

    def break_acl(self, name: str) -> None:
        self.drive.set_entries(name, [["perhaps", "everyone"]])

    def forbid_acl(self, name: str) -> None:
        self.drive.find(name).list_is_secret = True

    def set_group(self, name: str, members: Sequence[str]) -> None:
        self.drive.groups[name] = list(members)

    def break_groups(self) -> None:
        self.drive.groups["staff"] = ["the whole staff"]

    def forget_changes(self) -> None:
        self.drive.forget_changes()

    def vanish(self) -> None:
        self._service.gone = True
