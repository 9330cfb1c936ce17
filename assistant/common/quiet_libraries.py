"""Libraries of models ask their makers' servers for news and count uses where nobody tells them not to."""

from __future__ import annotations

import os

_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_UNLESS_SAID = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false"}


def keep_quiet() -> None:
    """Tell them so by the environment, which they read when they are imported: call it before that.

    Every installation does at its start; what loads a model does too, as it also runs without one.
    """
    os.environ.update(_QUIET)
    for name, value in _UNLESS_SAID.items():
        os.environ.setdefault(name, value)
