"""What do the checks for attacks, hidden instructions and harmful content find, and how often are they wrong?

Run from the repository: `python -m tests.bench.attack_checks [--data DIR]`. Prints Markdown. Shares of
attacks found come from models that were learnt without the group (a source, a category, texts that begin
alike) they judge; harmless texts are of the half, or of sets, that nothing is learnt from. The peer is a
list of forty well-known attack phrases, written for this bench as what an administrator would type into a
word filter.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import random
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np

from assistant.common.sentences import split_sentences
from assistant.guardrails.checks import harmful, hidden_instructions, prompt_attacks
from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.linear import STRENGTHS as THRESHOLDS
from tests.bench import attack_data
from tests.bench.attack_data import DATA, SEED, Text, is_learnt
from tests.bench.attack_fitting import SHARES, Fitted, Floats, Task, learn, strongest, tasks
from tests.guardrails import attack_phrases as phrases

STRENGTHS = ("low", "medium", "high")
FOLDS = 5
CHUNK = 1000  # characters of a passage
CHUNKS = 2000  # passages of a set
PEER = (
    "ignore previous",
    "ignore all",
    "ignore the above",
    "ignore your",
    "disregard",
    "forget everything",
    "forget all",
    "forget your",
    "system prompt",
    "your instructions",
    "your prompt",
    "your rules",
    "you are now",
    "act as",
    "pretend",
    "jailbreak",
    "developer mode",
    "dan mode",
    "no restrictions",
    "unrestricted",
    "override",
    "bypass",
    "reveal your",
    "repeat the words above",
    "repeat after me",
    "do anything now",
    "without any filter",
    "이전 지시",
    "지시를 무시",
    "지침을 무시",
    "규칙을 무시",
    "명령을 무시",
    "모두 무시",
    "시스템 프롬프트",
    "너는 이제",
    "지금부터 너는",
    "탈옥",
    "개발자 모드",
    "제한 없이",
    "vergiss alles",
)

Check = Callable[[str], list[Finding]]


def peer(text: str) -> bool:
    """Whether the text holds one of the well-known phrases."""
    lowered = text.lower()
    return any(phrase in lowered for phrase in PEER)


def score(check: Check, text: str) -> float:
    """The highest score of any finding."""
    return max((found.score for found in check(text)), default=0.0)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table; shares with three digits."""
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row) + " |")


def left_out(task: Task, group_of: Callable[[Text], str]) -> Floats:
    """Levels that each wrong text reaches (3 stopped by "low" to 0 not found), judged without its group."""
    groups = sorted({group_of(t) for t in task.wrong})
    reached = np.zeros(len(task.wrong))
    for group in groups:
        fitted = learn([t for t in task.wrong if group_of(t) != group], task.harmless)
        mine = [i for i, t in enumerate(task.wrong) if group_of(t) == group]
        reached[mine] = levels_of(fitted, task, [task.wrong[i] for i in mine])
    return reached


def levels_of(fitted: Fitted, task: Task, texts: Sequence[Text]) -> Floats:
    """How many of the three levels, taken from the unlearnt harmless texts, each text reaches."""
    harmless = strongest(fitted.scores, task.unlearnt)
    levels = np.quantile(harmless, [1 - share for share in SHARES[task.name]])
    return np.asarray(np.searchsorted(levels, strongest(fitted.scores, texts), side="right"), dtype=float)


def fold_of(text: Text) -> str:
    """One of five folds; texts of one group share it."""
    return str(hashlib.sha256((text.group or text.id).encode()).digest()[0] % FOLDS)


def shares(reached: Floats) -> list[float]:
    """The shares that "low", "medium" and "high" stop."""
    return [float((reached >= level).mean()) for level in (3, 2, 1)]


def found_by(task: Task, fold: Callable[[Text], str]) -> list[list[object]]:
    """Rows of a table: by source, what is found by folds and without the whole source, and by the peer."""
    by_folds, by_source = left_out(task, fold), left_out(task, lambda t: t.source)
    rows: list[list[object]] = []
    for source in dict.fromkeys(t.source for t in task.wrong):
        mine = np.array([t.source == source for t in task.wrong])
        hits = float(np.mean([peer(t.text) for t in task.wrong if t.source == source]))
        rows.append([source, int(mine.sum()), *shares(by_folds[mine]), *shares(by_source[mine]), hits])
    return rows


def held_out(name: str, check: Check, texts: Sequence[str]) -> list[object]:
    """A row for texts that nothing was learnt from, judged by the weights that are shipped."""
    scores = np.array([score(check, text) for text in texts])
    hits = float(np.mean([peer(text) for text in texts]))
    return [name, len(texts), *(float((scores >= THRESHOLDS[s]).mean()) for s in STRENGTHS), hits]


def per_thousand(check: Check, sets: dict[str, list[str]]) -> list[list[object]]:
    """Rows of a table: of 1,000 texts of each set, how many are stopped."""
    rows: list[list[object]] = []
    total: list[float] = []
    for name, texts in sets.items():
        scores = [score(check, text) for text in texts]
        total += scores
        counts = [
            f"{1000 * np.mean([s >= THRESHOLDS[strength] for s in scores]):.1f}" for strength in STRENGTHS
        ]
        rows.append([name, len(texts), *counts, f"{1000 * np.mean([peer(t) for t in texts]):.1f}"])
    counts = [f"{1000 * np.mean([s >= THRESHOLDS[strength] for s in total]):.1f}" for strength in STRENGTHS]
    rows.append(
        ["all", len(total), *counts, f"{1000 * np.mean([peer(t) for s in sets.values() for t in s]):.1f}"]
    )
    return rows


def by_source(texts: Sequence[Text]) -> dict[str, list[str]]:
    return {
        source: [t.text for t in texts if t.source == source]
        for source in dict.fromkeys(t.source for t in texts)
    }


def passages(data: Path) -> dict[str, list[str]]:
    """Pieces of documents of about 1,000 characters, whole sentences; of learnt sets the other half."""
    found: dict[str, list[str]] = {}
    for name, documents in attack_data.documents(data).items():
        learnt = name in attack_data.LEARNT_DOCUMENTS
        kept = [text for key, text in documents if not (learnt and is_learnt(key))]
        pieces = [piece for text in kept for piece in chunks(text)]
        found[name] = pieces if len(pieces) <= CHUNKS else random.Random(SEED).sample(pieces, CHUNKS)
    return found


def chunks(text: str) -> list[str]:
    """Sentences joined until a piece is long enough."""
    pieces, begin = [], 0
    for _, end in split_sentences(text):
        if end - begin >= CHUNK:
            pieces.append(text[begin:end])
            begin = end
    return [*pieces, text[begin:]] if text[begin:].strip() else pieces


def planted(data: Path) -> list[list[object]]:
    """Rows: attacks of BIPIA put as a sentence into mails that nothing was learnt from."""
    task = next(t for t in tasks(data) if t.name == "hidden_instructions")
    mails = [text for key, text in attack_data.documents(data)["bipia mails"] if not is_learnt(key)]
    reached = dict(zip([t.id for t in task.wrong], left_out(task, fold_of), strict=True))
    draw, rows = random.Random(SEED), []
    speaking = [t for t in task.wrong if t.source == "bipia"]
    asking = [
        Text(r["id"], r["text"], wrong=True, source="bipia")
        for r in attack_data.rows(data, "safety/bipia-train-attacks.jsonl")
        if "email" in r["meta"]["use_with"] and r["meta"]["category"] not in attack_data.SPEAKS_OF_THE_ANSWER  # type: ignore[index]
    ]
    for name, attacks in (("speaks of the answer", speaking), ("asks something else", asking)):
        whole = exact = 0
        for attack, mail in product(attacks, mails):
            cut = draw.choice([0, *(end for _, end in split_sentences(mail))])
            text = f"{mail[:cut]}\n{attack.text}\n{mail[cut:]}"
            start = cut + 1
            spans = [
                (f.start, f.end)
                for f in hidden_instructions.findings(text)
                if f.score >= THRESHOLDS["medium"]
            ]
            whole += any(a < start + len(attack.text) and b > start for a, b in spans)
            exact += (start, start + len(attack.text)) in spans
        tries = len(attacks) * len(mails)
        unseen = float(np.mean([reached[a.id] >= 2 for a in attacks])) if name.startswith("speaks") else "-"
        rows.append([name, tries, whole / tries, exact / tries, unseen])
    return rows


def insults(data: Path) -> list[list[object]]:
    """Rows: comments of the half that nothing was learnt from, then XSTest by kind."""
    rows: list[list[object]] = []
    comments = [t for t in attack_data.insults(data) if not t.learnt]
    xstest = attack_data.safety(data, "xstest", wrong=frozenset({"unsafe"}))
    for name, texts in (("Curse-detection, other half", comments), ("XSTest", xstest)):
        for wrong in (True, False):
            found = np.array([score(harmful.findings, t.text) for t in texts if t.wrong == wrong])
            label = f"{name}, {'to be found' if wrong else 'harmless'}"
            rows.append([label, len(found), *(float((found >= THRESHOLDS[s]).mean()) for s in STRENGTHS)])
    return rows


def milliseconds(checks: Sequence[Check], text: str, times: int = 200) -> float:
    """What the checks take for a text, the median of many."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        for check in checks:
            check(text)
        taken.append(1000 * (time.perf_counter() - start))
    return float(np.median(taken))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    data: Path = parser.parse_args().data
    attacks, hidden, _ = tasks(data)
    print(f"Machine: {platform.processor() or platform.machine()}, Python {platform.python_version()}")

    head = [
        "source",
        "texts",
        *(f"{s}, folds" for s in STRENGTHS),
        *(f"{s}, no source" for s in STRENGTHS),
        "peer",
    ]
    print("\n## Prompt attacks: share found")
    table(head, found_by(attacks, fold_of))
    table(
        ["phrases of another style", "texts", *STRENGTHS, "peer"],
        [held_out("Korean attacks", prompt_attacks.findings, phrases.HELD_OUT_KOREAN_ATTACKS)],
    )
    print("\n## Prompt attacks: of 1,000 harmless questions, stopped")
    unlearnt = [*attacks.unlearnt, *attack_data.unseen_questions(data)]
    table(["set", "texts", *STRENGTHS, "peer"], per_thousand(prompt_attacks.findings, by_source(unlearnt)))

    print("\n## Hidden instructions: share found")
    table(head, found_by(hidden, fold_of))
    table(
        ["sentences of another style", "texts", *STRENGTHS, "peer"],
        [
            held_out("hidden instructions", hidden_instructions.findings, phrases.HELD_OUT_HIDDEN),
            held_out("harmless", hidden_instructions.findings, phrases.HELD_OUT_NOT_HIDDEN),
        ],
    )
    table(
        ["planted in mails", "texts", "found", "by its span", "found by a model without its category"],
        planted(data),
    )
    print("\n## Hidden instructions: of 1,000 harmless passages, found in")
    table(["set", "passages", *STRENGTHS, "peer"], per_thousand(hidden_instructions.findings, passages(data)))

    print("\n## Harmful content: share found")
    table(["set", "texts", *STRENGTHS], insults(data))
    print("\n## Harmful content: of 1,000 harmless questions, stopped")
    work = [t for t in unlearnt if t.source not in {"curse-detection", "xstest"}]
    table(["set", "texts", *STRENGTHS, "peer"], per_thousand(harmful.findings, by_source(work)))

    question = (
        "How many days of annual leave may I carry over into the next year, and who has to approve it then?"
    )
    korean = (
        "올해 다 쓰지 못한 연차를 내년으로 넘길 수 있나요? "
        "넘긴다면 며칠까지 가능하고 누구의 승인을 받아야 하는지도 알려 주세요."
    )
    passage = (question + " ") * 15
    rows = [
        [
            name,
            len(text),
            *(
                f"{milliseconds([c], text):.2f}"
                for c in (prompt_attacks.findings, harmful.findings, hidden_instructions.findings)
            ),
        ]
        for name, text in (("question", question), ("Korean question", korean), ("passage", passage))
    ]
    print("\n## Milliseconds")
    table(["text", "characters", "prompt_attacks", "harmful", "hidden_instructions"], rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
