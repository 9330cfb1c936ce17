"""`.env.example` and the code name the same settings."""

from __future__ import annotations

import re

from assistant.config.env import REPOSITORY


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    read = set()
    for name in ("env.py", "management/commands/up.py"):
        source = (REPOSITORY / "assistant/config" / name).read_text(encoding="utf-8")
        read |= set(re.findall(r'environ[^"\n]*"((?:MUNDAP_|DATABASE_)[A-Z_]+)"', source))
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    documented = set(re.findall(r"^#([A-Z_]+)=", example, flags=re.MULTILINE))
    assert len(read) > 10
    assert read == documented


def test_every_documented_setting_has_a_sentence_above_it() -> None:
    lines = (REPOSITORY / ".env.example").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"#[A-Z_]+=", line):
            above = lines[number - 1]
            assert above.startswith("# ") or re.match(r"#[A-Z_]+=", above), line
