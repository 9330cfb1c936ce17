"""What the checks for attacks, hidden instructions and insults learn from and are measured on.

Only sets whose licence lets weights be shipped are learnt from (Apache-2.0, MIT, CC0, CC BY); of the harmless
ones only the half whose SHA-256 of the id begins with an even byte. The other half, and the sets that are
never learnt from (squad2, doc2dial, kobest, xstest, the held-out phrases), are for measuring.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant.common.sentences import split_sentences
from assistant.guardrails.checks.likeness import everyday
from tests.guardrails import attack_phrases as phrases

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY / ".." / "shared" / "data"
SEED = 11
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Text:
    """`group` names what must not be split between learning and measuring: a category, a pattern."""

    id: str
    text: str
    wrong: bool  # an attack, a hidden instruction, an insult
    source: str
    group: str = ""

    @property
    def learnt(self) -> bool:
        """Whether the id falls into the half that may be learnt from."""
        return is_learnt(self.id)


def is_learnt(key: str) -> bool:
    """Whether a row's or document's id falls into the half that may be learnt from."""
    return hashlib.sha256(key.encode()).digest()[0] % 2 == 0


def rows(data: Path, name: str) -> Iterator[dict[str, str]]:
    """The objects of a JSON Lines file below the data folder."""
    with (data / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def drawn(texts: list[Text], most: int) -> list[Text]:
    """At most so many, the same ones in every run."""
    return texts if len(texts) <= most else random.Random(SEED).sample(texts, most)


def _questions(data: Path, name: str, most: int) -> list[Text]:
    found = rows(data, f"retrieval/{name}/questions.jsonl")
    return drawn([Text(f"{name}:{r['id']}", r["question"], wrong=False, source=name) for r in found], most)


def safety(data: Path, name: str, *, wrong: frozenset[str] = frozenset()) -> list[Text]:
    """The rows of a set below `safety/`; `wrong` are the labels that are to be found."""
    return [
        Text(
            row["id"],
            row["text"],
            wrong=row["label"] in wrong,
            source=name,
            group=" ".join(row["text"].lower().split()[:4]),
        )
        for row in rows(data, f"safety/{name}.jsonl")
    ]


def _own(name: str, texts: tuple[str, ...], *, wrong: bool) -> list[Text]:
    return [
        Text(f"{name}:{n}", text, wrong=wrong, source=name, group=text[:8]) for n, text in enumerate(texts)
    ]


def attacks(data: Path) -> list[Text]:
    """Questions that attack, which are all learnt from; measured by leaving groups out."""
    return [
        *(t for t in safety(data, "deepset-train", wrong=frozenset({"injection"})) if t.wrong),
        *safety(data, "purplellama-en", wrong=frozenset({"injection"})),
        *_own("own-ko", phrases.LEARNT_KOREAN_ATTACKS, wrong=True),
        *_own("own-en", phrases.LEARNT_ENGLISH_ATTACKS, wrong=True),
    ]


def harmless_questions(data: Path, most: int = 4000) -> list[Text]:
    """Questions to learn from (one half) and to measure false positives with (the other)."""
    return [
        *(t for t in safety(data, "deepset-train", wrong=frozenset({"injection"})) if not t.wrong),
        *drawn(safety(data, "clinc-train-val"), most),
        *drawn(safety(data, "banking77-train"), most),
        *drawn(safety(data, "naver-square-valid"), most),
        *(t for t in safety(data, "curse-detection", wrong=frozenset({"curse"})) if not t.wrong),
        *_questions(data, "tydiqa-en-train", most),
        *_questions(data, "tydiqa-ko-train", most),
        *_questions(data, "ko-strategyqa", most),
        *_questions(data, "northwind-dev", most),
    ]


def own_harmless() -> list[Text]:
    """Near misses and everyday questions of our own, all learnt from."""
    return [
        *_own("own-ko-harmless", phrases.LEARNT_KOREAN_HARMLESS, wrong=False),
        *_own("own-en-harmless", phrases.LEARNT_ENGLISH_HARMLESS, wrong=False),
        *_own("own-chatty", phrases.LEARNT_CHATTY, wrong=False),
        *_own("own-not-insults", phrases.LEARNT_NOT_INSULTS, wrong=False),
        *_own("everyday-ko", everyday("ko"), wrong=False),
        *_own("everyday-en", everyday("en"), wrong=False),
    ]


def unseen_questions(data: Path, most: int = 3000) -> list[Text]:
    """Questions of sets that nothing is learnt from."""
    return [
        *_questions(data, "squad2-dev", most),
        *_questions(data, "doc2dial-dev", most),
        *_questions(data, "kobest-boolq", most),
        *_questions(data, "covidqa", most),
        *(t for t in safety(data, "xstest", wrong=frozenset({"unsafe"})) if not t.wrong),
        *_own("held-out-ko-harmless", phrases.HELD_OUT_KOREAN_HARMLESS, wrong=False),
        *_own("held-out-en-harmless", phrases.HELD_OUT_ENGLISH_HARMLESS, wrong=False),
    ]


def _files(data: Path, name: str) -> list[tuple[str, str]]:
    found = sorted((data / "files" / name).rglob("*.md"))
    return [
        (
            f"{name}:{path.relative_to(data).as_posix()}",
            _FRONT_MATTER.sub("", path.read_text("utf-8", "replace")),
        )
        for path in found
    ]


def _passages(data: Path, name: str) -> list[tuple[str, str]]:
    return [(f"{name}:{r['id']}", r["text"]) for r in rows(data, f"retrieval/{name}/passages.jsonl")]


def documents(data: Path) -> dict[str, list[tuple[str, str]]]:
    """Id and text of harmless documents by set; those of `LEARNT_DOCUMENTS` may be learnt from."""
    mails = [
        (r["id"], r["text"]) for r in rows(data, "safety/bipia-train-contexts.jsonl") if "email" in r["id"]
    ]
    return {
        "handbook-18f": _files(data, "handbook-18f"),
        "handbook-sourcegraph": _files(data, "handbook-sourcegraph"),
        "law-ko": _files(data, "law-ko"),
        "react-docs": _files(data, "react-docs"),
        "northwind-dev": _passages(data, "northwind-dev"),
        "tydiqa-en-train": _passages(data, "tydiqa-en-train"),
        "tydiqa-ko-train": _passages(data, "tydiqa-ko-train"),
        "ko-strategyqa": _passages(data, "ko-strategyqa"),
        "bipia mails": mails,
        "squad2-dev": _passages(data, "squad2-dev"),
        "doc2dial-dev": _passages(data, "doc2dial-dev"),
        "kobest-boolq": _passages(data, "kobest-boolq"),
    }


LEARNT_DOCUMENTS = (
    "handbook-18f",
    "handbook-sourcegraph",
    "law-ko",
    "northwind-dev",
    "tydiqa-en-train",
    "tydiqa-ko-train",
    "ko-strategyqa",
    "bipia mails",
)


def sentences(documents_of_set: list[tuple[str, str]], source: str, most: int) -> list[Text]:
    """Sentences of documents; a sentence has the id of its document, so both lie in the same half."""
    found = [
        Text(key, text[start:end], wrong=False, source=source)
        for key, text in documents_of_set
        for start, end in split_sentences(text)
        if end - start >= 12
    ]
    return drawn(found, most)


# What a sentence can show by itself: it speaks of the answer. "What is the capital of Brazil?" in a mail
# does not.
SPEAKS_OF_THE_ANSWER = frozenset(
    {
        "Alphanumeric Substitution",
        "Homophonic Substitution",
        "Misspelling Intentionally",
        "Anagramming",
        "Space Removal & Grouping",
        "Instruction",
        "Social Interaction",
        "Persuasion",
        "Clickbait",
        "Malware Distribution",
    }
)


def hidden(data: Path) -> list[Text]:
    """Instructions for mails and tables, by category, without those that only ask another question."""
    planted = [
        Text(r["id"], r["text"], wrong=True, source="bipia", group=r["meta"]["category"])  # type: ignore[index]
        for r in rows(data, "safety/bipia-train-attacks.jsonl")
        if r["meta"]["category"] in SPEAKS_OF_THE_ANSWER  # type: ignore[index]
    ]
    return [*planted, *_own("own-hidden", phrases.LEARNT_HIDDEN, wrong=True)]


def own_not_hidden() -> list[Text]:
    """Near misses of our own, all learnt from."""
    return _own("own-not-hidden", phrases.LEARNT_NOT_HIDDEN, wrong=False)


def insults(data: Path) -> list[Text]:
    """Korean comments with and without an insult."""
    return safety(data, "curse-detection", wrong=frozenset({"curse"}))
