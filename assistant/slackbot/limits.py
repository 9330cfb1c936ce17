"""What is read of a request of Slack's. Asked for before anything of Bolt is loaded."""

from typing import Final

LARGEST_BODY: Final = 1024 * 1024  # bytes
