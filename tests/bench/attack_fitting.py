"""Learns the weights of the checks for attacks, hidden instructions and insults, from `attack_data`.

Run from the repository: `python -m tests.bench.attack_fitting [--data DIR]`. Writes
`weights/*.bin` and `learnt.py` in `assistant/guardrails/checks/`; the same data give the same files. What the
weights are worth is measured by `python -m tests.bench.attack_checks`.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, vstack

from assistant.guardrails.checks import linear
from assistant.guardrails.checks.linear import LinearModel
from assistant.guardrails.checks.prompt_attacks import judged
from tests.bench import attack_data
from tests.bench.attack_data import DATA, REPOSITORY, Text

Floats = NDArray[np.float64]
Scorer = Callable[[Sequence[str]], Floats]

LONGEST = 3000  # characters of a text that is learnt from
PENALTY = 1.0
# The share of harmless texts that each strength ("high", "medium", "low") may stop; passages have many
# sentences.
SHARES = {
    "prompt_attacks": (0.01, 0.003, 0.0005),
    "hidden_instructions": (0.002, 0.0005, 0.0001),
    "insults": (0.01, 0.002, 0.0005),
}
_WRONG_WEIGHT, _NEAR_WEIGHT = 5.0, 10.0  # a wrong text, and a near miss of our own, counts as so many others
_LARGEST = 127


@dataclass(frozen=True, slots=True)
class Task:
    """What one model learns: `wrong` against `harmless`. Levels come from `unlearnt`, the other half."""

    name: str
    wrong: list[Text]
    harmless: list[Text]
    unlearnt: list[Text]


@dataclass(frozen=True, slots=True)
class Fitted:
    weights: Floats
    bias: float

    def scores(self, texts: Sequence[str]) -> Floats:
        """Chances by the weights as they were learnt, before they are rounded to bytes."""
        return np.asarray(1 / (1 + np.exp(-(_matrix(tuple(texts)) @ self.weights + self.bias))))


def tasks(data: Path) -> list[Task]:
    """The three models, with what each is learnt from."""
    questions = attack_data.harmless_questions(data)
    near = attack_data.own_harmless()
    documents = attack_data.documents(data)
    sentences = [
        text
        for name in attack_data.LEARNT_DOCUMENTS
        for text in attack_data.sentences(documents[name], name, 6000)
    ]
    some = attack_data.drawn(sentences, 6000)
    comments = attack_data.insults(data)
    work = [t for t in (*questions, *sentences) if t.source != "curse-detection"]
    return [
        _task("prompt_attacks", attack_data.attacks(data), [*questions, *some], near),
        _task("hidden_instructions", attack_data.hidden(data), sentences, attack_data.own_not_hidden()),
        _task(
            "insults",
            [t for t in comments if t.wrong and t.learnt],
            [*(t for t in comments if not t.wrong), *attack_data.drawn(work, 20000)],
            near,
        ),
    ]


def _task(name: str, wrong: list[Text], harmless: list[Text], near: list[Text]) -> Task:
    return Task(name, wrong, [t for t in harmless if t.learnt] + near, [t for t in harmless if not t.learnt])


def learn(wrong: Sequence[Text], harmless: Sequence[Text]) -> Fitted:
    """Logistic regression with a quadratic penalty."""
    table = vstack([_matrix(tuple(t.text for t in some)) for some in (wrong, harmless)]).tocsr()
    truth = np.array([t.wrong for t in (*wrong, *harmless)], dtype=float)
    weight = np.array([_weight(t) for t in (*wrong, *harmless)])

    def loss(values: Floats) -> tuple[float, Floats]:
        odds = table @ values[:-1] + values[-1]
        cost = np.logaddexp(0, odds) - truth * odds
        slope = weight * (1 / (1 + np.exp(-odds)) - truth)
        penalty = PENALTY / 2 * values[:-1] @ values[:-1]
        return float(weight @ cost + penalty), np.append(table.T @ slope + PENALTY * values[:-1], slope.sum())

    found = minimize(
        loss, np.zeros(table.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 300}
    )
    return Fitted(found.x[:-1], float(found.x[-1]))


def _weight(text: Text) -> float:
    if text.wrong:
        return _WRONG_WEIGHT
    return _NEAR_WEIGHT if text.source.startswith("own-") else 1.0


@lru_cache(maxsize=8)
def _matrix(texts: tuple[str, ...]) -> csr_matrix:
    found = linear.features([text[:LONGEST] for text in texts])
    return csr_matrix((found.share, (found.piece, found.bucket)), shape=(len(texts), linear.size()))


def strongest(chances: Scorer, texts: Sequence[Text]) -> Floats:
    """The highest chance of any sentence of each text, or of the text as a whole: what a check goes by."""
    spans = [(t.text, span) for t in texts for span in judged(t.text[:LONGEST])]
    owner = np.repeat(np.arange(len(texts)), [len(judged(t.text[:LONGEST])) for t in texts])
    found = np.zeros(len(texts))
    np.maximum.at(found, owner, chances([text[start:end] for text, (start, end) in spans]))
    return found


def packed(fitted: Fitted, task: Task, folder: Path) -> LinearModel:
    """Round the weights to bytes, write them into `folder`, and give the model that reads them."""
    step = float(f"{np.abs(fitted.weights).max() / _LARGEST:.6g}")
    content = np.clip(np.rint(fitted.weights / step), -_LARGEST, _LARGEST).astype(np.int8).tobytes()
    folder.mkdir(exist_ok=True)
    (folder / f"{task.name}.bin").write_bytes(content)
    model = LinearModel(
        f"{task.name}.bin", hashlib.sha256(content).hexdigest(), step, float(f"{fitted.bias:.6g}"), (0, 0, 0)
    )
    chances = strongest(model.chances, task.unlearnt)
    high, medium, low = (float(f"{np.quantile(chances, 1 - share):.3g}") for share in SHARES[task.name])
    return replace(model, levels=(high, medium, low))


_HEAD = '''"""Which weights belong to this release, and from which chance on they count. Do not edit by hand.

Written by `python -m tests.bench.attack_fitting`. Attacks are learnt from deepset/prompt-injections
(Apache-2.0), Meta's CyberSecEval (MIT), BIPIA (MIT) and phrases of our own, insults from Curse-detection-data
(MIT); harmless texts are one half of public questions and documents. The levels stop those shares of the
other half that stand in the script.
"""

from __future__ import annotations

from assistant.guardrails.checks.linear import LinearModel
'''


def written(models: dict[str, LinearModel]) -> str:
    """The module `learnt.py`."""
    parts = [_HEAD]
    for name, model in models.items():
        parts.append(
            f'\n{name.upper()} = LinearModel(\n    file="{model.file}",\n    sha256="{model.sha256}",\n'
            f"    step={model.step!r},\n    bias={model.bias!r},\n    levels={model.levels!r},\n)\n"
        )
    return "".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    data: Path = parser.parse_args().data
    models = {}
    for task in tasks(data):
        models[task.name] = packed(learn(task.wrong, task.harmless), task, linear.FOLDER)
        print(
            f"{task.name}: {len(task.wrong)} wrong, {len(task.harmless)} harmless, {models[task.name].levels}"
        )
    target = REPOSITORY / "assistant" / "guardrails" / "checks" / "learnt.py"
    target.write_text(written(models), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
