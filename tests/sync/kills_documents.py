"""Small documents of many formats, each with a word that stands in no other one."""

from __future__ import annotations

import csv
import html
import json
import random
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

_SYLLABLES = tuple(c + v for c in "bdfgklmnprstvz" for v in "aeiou")
_SENTENCES = (
    "The committee meets on the second Tuesday of each month in the large room.",
    "Travel costs are paid back within ten working days after the form has arrived.",
    "Every visitor is met at the gate and wears a badge until leaving the building.",
    "Backups are written at night and a restore is tried out once in every quarter.",
    "The supplier sends a new price list before the season and answers within a week.",
    "Machines are cleaned after each shift and their hours are noted in the log.",
    "신입 사원은 첫 주에 보안 교육을 받고 확인서를 제출합니다.",
    "출장 신청서는 출발 사흘 전까지 팀장에게 올려 주십시오.",
    "창고 재고는 매월 마지막 금요일에 두 사람이 함께 확인합니다.",
)


def write_documents(folder: Path, *, number: int, seed: int) -> dict[str, str]:
    """Write them; returns the word of each by its name."""
    chance = random.Random(seed)
    words: dict[str, str] = {}
    used: set[str] = set()
    writers = tuple(_WRITERS.items())
    for index in range(number):
        suffix, write = writers[index % len(writers)]
        word = _new_word(chance, used)
        path = folder / f"part{index % 7}" / f"report-{index:03}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, f"Report {index:03}", _paragraphs(chance, word))
        words[str(path.relative_to(folder))] = word
    return words


def paragraphs(number: int, *, seed: int) -> list[str]:
    """Texts of such documents, one for each."""
    chance = random.Random(seed)
    used: set[str] = set()
    return ["\n\n".join(_paragraphs(chance, _new_word(chance, used))) for _ in range(number)]


def _new_word(chance: random.Random, used: set[str]) -> str:
    while (word := "".join(chance.choices(_SYLLABLES, k=5)) + "x") in used:
        pass
    used.add(word)
    return word


def _paragraphs(chance: random.Random, word: str) -> list[str]:
    made = [" ".join(chance.choices(_SENTENCES, k=4)) for _ in range(chance.randint(1, 3))]
    made[chance.randrange(len(made))] += f" The code name of this matter is {word}."
    return made


def _markdown(path: Path, title: str, paragraphs: list[str]) -> None:
    parts = [f"## Part {number}\n\n{text}" for number, text in enumerate(paragraphs, start=1)]
    path.write_text(f"# {title}\n\n" + "\n\n".join(parts), encoding="utf-8")


def _text(path: Path, title: str, paragraphs: list[str]) -> None:
    path.write_text("\n\n".join([title, *paragraphs]), encoding="utf-8")


def _page(path: Path, title: str, paragraphs: list[str]) -> None:
    body = "".join(f"<p>{html.escape(text)}</p>" for text in paragraphs)
    path.write_text(
        f"<!doctype html><html><head><meta charset='utf-8'><title>{title}</title></head>"
        f"<body><h1>{title}</h1>{body}</body></html>",
        encoding="utf-8",
    )


def _table(path: Path, title: str, paragraphs: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["title", "number", "note"])
        rows.writerows([title, number, text] for number, text in enumerate(paragraphs))


def _record(path: Path, title: str, paragraphs: list[str]) -> None:
    path.write_text(json.dumps({"title": title, "notes": paragraphs}, ensure_ascii=False), encoding="utf-8")


def _mail(path: Path, title: str, paragraphs: list[str]) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "kim@example.com", "lee@example.com", title
    message.set_content("\n\n".join(paragraphs))
    path.write_bytes(bytes(message))


def _word(path: Path, title: str, paragraphs: list[str]) -> None:
    from docx import Document  # noqa: PLC0415

    made = Document()
    made.add_heading(title, level=1)
    for text in paragraphs:
        made.add_paragraph(text)
    made.save(str(path))


def _workbook(path: Path, title: str, paragraphs: list[str]) -> None:
    from openpyxl import Workbook  # noqa: PLC0415

    made = Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.append(["title", "number", "note"])
    for number, text in enumerate(paragraphs):
        sheet.append([title, number, text])
    made.save(path)


_WRITERS: dict[str, Callable[[Path, str, list[str]], None]] = {
    ".md": _markdown,
    ".txt": _text,
    ".html": _page,
    ".csv": _table,
    ".json": _record,
    ".eml": _mail,
    ".docx": _word,
    ".xlsx": _workbook,
}
