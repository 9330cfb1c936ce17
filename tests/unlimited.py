"""The environment of tests that ask faster than any person: no limit but where a test is about it."""

from __future__ import annotations

from collections.abc import Mapping

UNLIMITED: Mapping[str, str] = {
    "MUNDAP_QUESTIONS_PER_MINUTE": "0",
    "MUNDAP_REQUESTS_PER_MINUTE": "0",
    "MUNDAP_KEY_REQUESTS_PER_MINUTE": "0",
    "MUNDAP_PUSHES_PER_MINUTE": "0",
    "MUNDAP_UPLOAD_FILES_PER_DAY": "0",
    "MUNDAP_UPLOAD_MB_PER_DAY": "0",
    "MUNDAP_PUSH_MB_PER_DAY": "0",
}
