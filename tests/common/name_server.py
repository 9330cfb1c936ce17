"""A small DNS server over UDP whose answers change as a test tells it, as those of an attacker would."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_A, _CNAME, _AAAA = 1, 5, 28
_NAME_ERROR = 3
# From how often a name was asked before to its records: addresses, or the name that it stands for.
Zone = Callable[[int], list[str]]


@dataclass(slots=True)
class NameServer:
    """`zones` by name in lower case without the last dot; each question is kept as (name, type)."""

    zones: dict[str, Zone] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def answer(self, packet: bytes) -> bytes:
        """The answer to a question, with records that may be kept for 0 seconds."""
        number, _flags, _questions = struct.unpack("!HHH", packet[:6])
        name, end = _name(packet, 12)
        kind = int.from_bytes(packet[end : end + 2], "big")
        question = packet[12 : end + 4]
        zone = self.zones.get(name)
        before = self.asked.count((name, kind))
        self.asked.append((name, kind))
        records = b""
        count = 0
        owner = name
        for value in zone(before) if zone else []:
            try:
                address = ipaddress.ip_address(value)
            except ValueError:
                records += _record(owner, _CNAME, _encoded(value))
                owner, count = value, count + 1
                continue
            if kind == (_A if address.version == 4 else _AAAA):
                records += _record(owner, kind, address.packed)
                count += 1
        flags = 0x8580 | (0 if zone else _NAME_ERROR)
        return struct.pack("!HHHHHH", number, flags, 1, count, 0, 0) + question + records


def _record(owner: str, kind: int, content: bytes) -> bytes:
    return _encoded(owner) + struct.pack("!HHIH", kind, 1, 0, len(content)) + content


def _encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".")) + b"\0"


def _name(packet: bytes, at: int) -> tuple[str, int]:
    labels = []
    while size := packet[at]:
        labels.append(packet[at + 1 : at + 1 + size].decode("latin-1").lower())
        at += size + 1
    return ".".join(labels), at + 1


@contextmanager
def name_server(host: str = "127.0.0.1", port: int = 53) -> Iterator[NameServer]:
    """Answer until the end of the block."""
    server = NameServer()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((host, port))

        def serve() -> None:
            while True:
                try:
                    packet, sender = listening.recvfrom(4096)
                except OSError:
                    return
                if packet:
                    listening.sendto(server.answer(packet), sender)

        threading.Thread(target=serve, daemon=True).start()
        yield server
