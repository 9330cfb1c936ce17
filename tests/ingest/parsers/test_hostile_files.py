"""Whatever the bytes, the real sandbox gives a document or a failure: no exception, no hang, no crash."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.ingest.parsers.blocks import is_clean
from assistant.ingest.parsers.registry import PARSERS
from assistant.ingest.sandbox import Limits, ParserProcess
from tests.ingest.parser_corpus import SAMPLES, broken_expectation, load_samples, run
from tests.ingest.parsers.made_files import pdf_file, slides_file, word_file, workbook_file

SEED = 20_260_302
SAMPLE_SIZE = 260
NEVER = {FailureCode.TIMEOUT, FailureCode.CRASHED, FailureCode.UNREADABLE}
PATIENT = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXTS = {
    "html": b"<html><body><h1>Title</h1><table><tr><td>a<td>b</table><p style='x'>text<ul><li>one</ul>",
    "md": "---\ntitle: 가\n---\n# One\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- item\n\n```\ncode".encode(),
    "json": b'{"title": "t", "list": [{"a": 1.5e3}, {"b": [true, null, "x"]}]}',
    "jsonl": b'{"a": 1}\n{"b": "\\ud800"}\n',
    "xml": b'<?xml version="1.0"?><a><title>t</title><b x="1">text<c/>tail</b></a>',
    "csv": '이름,값\n가,1\n"나",2\n'.encode("cp949"),
    "eml": b"Subject: =?utf-8?B?7ZWc6riA?=\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nhi\n--x--\n",
    "yaml": b"a: 1\nb: [x, y]\n",
    "txt": "첫 문단\n\n둘째 문단".encode(),
}


@pytest.fixture(scope="module")
def process() -> Iterator[ParserProcess]:
    with ParserProcess(Limits(seconds=20)) as running:
        yield running


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One good file of every format."""
    folder = tmp_path_factory.mktemp("originals")
    made = {
        "docx": word_file(folder / "a.docx"),
        "pptx": slides_file(folder / "a.pptx"),
        "xlsx": workbook_file(folder / "a.xlsx"),
        "pdf": pdf_file(
            folder / "a.pdf", "Some words that fill a line of the page.", heading="Title", pages=2
        ),
    }
    return TEXTS | {name: path.read_bytes() for name, path in made.items()}


def outcome(process: ParserProcess, path: Path, data: bytes, extension: str) -> FailureCode | None:
    """None for a document, which must be clean; else the failure's code."""
    path.write_bytes(data)
    try:
        parsed = process.parse(path, name=f"file.{extension}")
    except DocumentFailure as failure:
        return failure.code
    assert all(is_clean(block.text) and block.text.strip() for block in parsed.blocks)
    assert is_clean(parsed.title)
    return None


def test_the_good_file_of_every_format_is_read(
    process: ParserProcess, originals: dict[str, bytes], tmp_path: Path
) -> None:
    assert set(originals) == set(PARSERS)
    for extension, data in originals.items():
        assert outcome(process, tmp_path / "file", data, extension) is None, extension


@settings(PATIENT, max_examples=120)
@given(extension=st.sampled_from(sorted(PARSERS)), data=st.binary(min_size=1, max_size=600))
def test_random_bytes_never_break_a_parser(
    process: ParserProcess, tmp_path: Path, extension: str, data: bytes
) -> None:
    assert outcome(process, tmp_path / "file", data, extension) not in NEVER


@settings(PATIENT, max_examples=120)
@given(
    extension=st.sampled_from(sorted(set(PARSERS) - {"docx", "pptx", "xlsx", "pdf"})),
    text=st.text(min_size=1),
)
def test_random_text_never_breaks_a_parser(
    process: ParserProcess, tmp_path: Path, extension: str, text: str
) -> None:
    assert outcome(process, tmp_path / "file", text.encode("utf-8", "replace"), extension) not in NEVER


@settings(PATIENT, max_examples=250)
@given(extension=st.sampled_from(sorted(PARSERS)), seed=st.integers(0, 2**32))
def test_mutated_real_files_never_break_a_parser(
    process: ParserProcess, originals: dict[str, bytes], tmp_path: Path, extension: str, seed: int
) -> None:
    data = mutated(originals[extension], random.Random(seed))

    assert outcome(process, tmp_path / "file", data, extension) not in NEVER


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A copy with bytes changed, pieces cut out, doubled, or the end missing."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(changed))
        deed = chance.randrange(4)
        if deed == 0:
            changed[at] = chance.randrange(256)
        elif deed == 1:
            del changed[at : at + chance.randint(1, 40)]
        elif deed == 2:
            changed[at:at] = changed[at : at + chance.randint(1, 200)]
        elif chance.random() < 0.2:
            del changed[at:]
        if not changed:
            return b"x"
    return bytes(changed)


@pytest.mark.shared_data
@pytest.mark.slow
def test_a_sample_of_the_corpus_of_real_files_meets_its_expectations() -> None:
    if not (SAMPLES / "index.jsonl").is_file():
        pytest.skip(f"shared data is missing: {SAMPLES.name}/index.jsonl")
    samples = load_samples()
    protected = [sample for sample in samples if sample.needs_password]
    chosen = random.Random(SEED).sample(samples, min(SAMPLE_SIZE, len(samples))) + protected
    outcomes = run(chosen)

    assert {str(one.sample.path): problem for one in outcomes if (problem := broken_expectation(one))} == {}
    assert sum(one.result == "read" for one in outcomes) > SAMPLE_SIZE // 2
    assert sum(one.result == "encrypted" for one in outcomes) >= len(protected) > 0
