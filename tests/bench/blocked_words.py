"""Do blocked words stop what is written to get around them, and nothing else? Prints Markdown tables.

    python -m tests.bench.blocked_words [--data DIR] [--show wrong|missed]

DIR is the folder of the shared data. Korean curses by a list as an administrator would write it: chosen on
one half of the set (by a hash of the id), reported on both. The set also counts insults of groups
and politicians as curses, which no list of stems holds. "Stems" are those texts labelled as curses
that hold a word of the list anywhere, also within a word: what is missed of them is missed by the rule
that a word without an asterisk begins where a word begins.

Disguises: each word of the list and of an English one, written in the ways that get around a plain
comparison. Harmless: texts of other sets, with the same lists.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from assistant.guardrails.checks.words import findings
from tests.bench.index_scale import processor

REPOSITORY = Path(__file__).resolve().parents[2]
SEED = 7
CURSES = (
    *("*시발", "*씨발", "*씨바", "시바", "ㅅㅂ", "ㅆㅂ", "*씨팔", "시팔", "*병신", "*븅신", "ㅂㅅ"),
    *("*지랄", "ㅈㄹ", "*새끼", "*색기", "*새꺄", "개새", "*존나", "졸라", "ㅈㄴ", "*좆", "*씹"),
    *("*년놈", "*쌍년", "썅", "*미친놈", "*미친년", "개년", "*걸레년", "닥쳐", "*꺼져라", "뒤져라"),
    *("엿먹어", "*창녀", "염병", "*등신", "존내"),
)
SECRETS = ("salary", "layoff", "merger", "heron", "연봉", "구조조정", "인수합병", "권고사직")
assert len(CURSES) <= 40


def _letters(word: str) -> str:
    """Hangul as the letters of the keyboard, one after another."""
    initials, finals = (
        "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ",
        " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ",
    )
    parts = []
    for char in word:
        code = ord(char) - 0xAC00
        if 0 <= code <= 11171:
            parts += [initials[code // 588], chr(0x314F + code // 28 % 21), finals[code % 28].strip()]
        else:
            parts.append(char)
    return "".join(parts)


def _every_second(word: str, table: dict[str, str]) -> str:
    return "".join(table.get(c, c) if i % 2 else c for i, c in enumerate(word))


Disguise = Callable[[str], str]
KOREAN: dict[str, Disguise] = {
    "with a particle": lambda w: f"{w}은",
    "blanks": " ".join,
    "signs": ".".join,
    "invisible characters": "\u200b".join,
    "decomposed": lambda w: unicodedata.normalize("NFD", w),
    "letters apart": _letters,
    "letters apart, blanks": lambda w: " ".join(_letters(w)),
    "last syllable apart": lambda w: w[:-1] + _letters(w[-1]),
    "a digit between": lambda w: f"{w[0]}1{w[1:]}",
}
LATIN: dict[str, Disguise] = {
    "capitals": str.upper,
    "full width": lambda w: "".join(chr(ord(c) + 0xFEE0) for c in w),
    "blanks": " ".join,
    "signs": "-".join,
    "invisible characters": "\u00ad".join,
    "Cyrillic letters": lambda w: _every_second(w, {"a": "а", "e": "е", "o": "о", "r": "г", "y": "у"}),
    "digits for letters": lambda w: _every_second(w, {"a": "4", "e": "3", "o": "0"}),
    "marks": lambda w: "".join(c + "\u0301" if c in "aeo" else c for c in w),
    "Hangul after it": lambda w: f"{w}가",
}


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def curses(path: Path, show: str) -> None:
    """Recall and precision on both halves."""
    print(
        "| curse-detection | curses | clean | recall | precision | recall of stems | clean with a finding |"
    )
    print("|---" * 7 + "|")
    for half, name in enumerate(("half that the list was chosen on", "other half")):
        rows = [
            row
            for row in rows_of(path)
            if int(hashlib.sha256(row["id"].encode()).hexdigest(), 16) % 2 == half
        ]
        hit = {row["id"]: bool(findings(row["text"], CURSES)) for row in rows}
        bad = [row for row in rows if row["label"] == "curse"]
        clean = [row for row in rows if row["label"] == "clean"]
        stems = [row for row in bad if any(word.strip("*") in row["text"] for word in CURSES)]
        found, wrong = sum(hit[r["id"]] for r in bad), sum(hit[r["id"]] for r in clean)
        print(
            f"| {name} | {len(bad)} | {len(clean)} | {found / len(bad):.3f} | {found / (found + wrong):.3f} "
            f"| {sum(hit[r['id']] for r in stems) / len(stems):.3f} ({len(stems)}) | {wrong} |"
        )
        if half == 0:
            for row in rows:
                wanted = row["label"] == ("clean" if show == "wrong" else "curse")
                if show and wanted and hit[row["id"]] == (show == "wrong"):
                    got = [row["text"][f.start : f.end] for f in findings(row["text"], CURSES)]
                    print(show, got, row["text"], file=sys.stderr)


def disguises() -> None:
    """How many words are found in each disguise, in the middle of a sentence, and covered whole."""
    print("\n| disguise | words | found | covered whole | plain comparison |\n|---|---|---|---|---|")
    stems = [word.strip("*") for word in (*CURSES, *SECRETS)]
    hangul = [w for w in stems if all("가" <= c <= "힣" for c in w) and len(w) > 1]
    latin = [w for w in SECRETS if w.isascii()]
    for name, words, table in (("Korean", hangul, KOREAN), ("Latin", latin, LATIN)):
        for disguise, change in table.items():
            found = whole = plain = 0
            for word in words:
                written = change(word)
                text = f"오늘 {written} 이야기" if name == "Korean" else f"about the {written} today"
                start = text.index(written)
                got = findings(text, [word])
                found += bool(got)
                whole += [(f.start, f.end) for f in got] == [(start, start + len(written))]
                plain += word in text.casefold()
            print(f"| {name}, {disguise} | {len(words)} | {found} | {whole} | {plain} |")


def harmless(data: Path) -> None:
    """Findings in texts that hold no curse, and the time for a thousand characters."""
    print("\n| harmless texts | texts | with a finding | ms for 1,000 characters |\n|---|---|---|---|")
    for name, file, label in (
        ("clinc", "safety/clinc-train-val.jsonl", ""),
        ("northwind", "retrieval/northwind-dev/passages.jsonl", ""),
        ("tydiqa-ko", "retrieval/tydiqa-ko-train/passages.jsonl", ""),
        ("kosbi, safe", "safety/naver-kosbi-valid.jsonl", "safe"),
        ("square, not sensitive", "safety/naver-square-valid.jsonl", "non-sensitive"),
    ):
        texts = [r["text"] for r in rows_of(data / file) if not label or r["label"] == label]
        texts = random.Random(SEED).sample(texts, min(2_000, len(texts)))
        start = time.process_time()
        found = sum(bool(findings(text, CURSES)) for text in texts)
        took = time.process_time() - start
        print(f"| {name} | {len(texts)} | {found} | {1_000_000 * took / sum(map(len, texts)):.3f} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=REPOSITORY / ".." / "shared" / "data")
    parser.add_argument("--show", choices=("wrong", "missed"), default="", help="of the half for choosing")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"The data folder {options.data} does not exist. Name it with --data.", file=sys.stderr)
        return 2
    print(f"{processor()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
    curses(options.data / "safety" / "curse-detection.jsonl", options.show)
    disguises()
    harmless(options.data)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
