"""QR codes as squares that our own pages draw, so that a secret never goes to a server that draws them."""

from __future__ import annotations

from dataclasses import dataclass

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

QUIET = 4  # the white frame that the standard asks for, in squares


@dataclass(frozen=True, slots=True)
class Squares:
    """`size` squares a side with the frame; `path` are the dark ones, for the `d` of an SVG path."""

    size: int
    path: str


def squares(text: str) -> Squares:
    """The QR code that says this."""
    code: QRCode = QRCode(error_correction=ERROR_CORRECT_M, border=QUIET)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    path = "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark
    )
    return Squares(len(rows), path)
