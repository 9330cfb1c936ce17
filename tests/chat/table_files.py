"""A folder with tables, and who may read which: a small world for calculations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import openpyxl

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import User
from assistant.sync.engine import execute_run
from assistant.sync.selectors import run_progress
from assistant.sync.services import add_source, request_run

Cells = Sequence[Sequence[object]]

TRIPS: Cells = (
    ("날짜", "이름", "지역", "출장비"),
    ("2026-07-03", "김하늘", "서울", "120,000원"),
    ("2026-07-21", "이바다", "부산", "230,000원"),
    ("2026-08-11", "박가람", "서울", "80,500원"),
    ("2026-10-02", "김하늘", "대전", "64,000원"),
    ("합계", "", "", "494,500원"),
)
VENDORS: Cells = (
    ("Vendor", "City", "Product", "Unit price (USD)"),
    ("Aster", "Seoul", "Valve", 12.5),
    ("Birch", "Busan", "Pump", 310),
    ("Cedar", "Seoul", "Meter", 45.25),
)
SALARIES: Cells = (
    ("이름", "부서", "연봉"),
    ("한도윤", "임원실", "3억 2,000만 원"),
    ("이현진", "임원실", "2억 1,000만 원"),
)


def csv_of(cells: Cells) -> bytes:
    """The cells as a CSV file."""
    return "\n".join(",".join(f'"{cell}"' for cell in row) for row in cells).encode()


def xlsx_of(**sheets: Cells) -> bytes:
    """A workbook with these sheets."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for row in cells:
            sheet.append(list(row))
    written = BytesIO()
    book.save(written)
    return written.getvalue()


@dataclass(slots=True)
class TableFiles:
    """Files below `root` and the access file beside it. `sync` carries both in."""

    root: Path
    source_id: int
    readers: dict[str, tuple[str, ...]]

    @property
    def access_file(self) -> Path:
        """Where it is said who may read what."""
        return self.root.parent / "access.json"

    def put(self, name: str, content: bytes, *readers: str) -> None:
        """A file and the people who may read it, by name."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if readers:
            self.readers[name] = readers

    def sync(self) -> None:
        """Write the access file and run a sync to its end in this process."""
        entries = [
            {
                "keyPrefix": name,
                "aclEntries": [
                    {"Name": f"{reader}@example.com", "Type": "USER", "Access": "ALLOW"} for reader in readers
                ],
            }
            for name, readers in self.readers.items()
        ]
        self.access_file.write_text(json.dumps(entries), encoding="utf-8")
        run_id = request_run(source_id=self.source_id, kind="full", actor="test")
        assert execute_run(run_id)
        run = run_progress(run_id)
        assert run.state == "succeeded", run

    def viewer(self, name: str) -> Viewer:
        """The person with this name."""
        return viewer_for(User.objects.get(email=f"{name}@example.com"))


def table_files_in(folder: Path) -> TableFiles:
    """Two tables for Ann and Bob and one for Cho, synced."""
    root = folder / "tables"
    root.mkdir()
    made = TableFiles(root, 0, {})
    made.access_file.write_text("[]", encoding="utf-8")
    made.source_id = add_source(
        kind="filesystem",
        name="tables",
        config={"root": str(root), "access_file": str(made.access_file)},
        actor="test",
    )
    made.put("출장비_2026.csv", csv_of(TRIPS), "ann", "bob")
    made.put("vendors.xlsx", xlsx_of(Sheet1=VENDORS), "ann", "bob")
    made.put("임원연봉.csv", csv_of(SALARIES), "cho")
    made.sync()
    return made
