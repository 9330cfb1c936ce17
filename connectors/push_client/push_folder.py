"""A worked example: pushes a folder whose readers stand in a table.

    python -m connectors.push_client.push_folder https://mundap.example.com 7 key.txt folder

The folder holds files and `readers.csv` (file,title,readers; readers parted by spaces, such as
`user:ann@example.com group:staff`), perhaps also `groups.csv` (group,members). A file that the
table does not name is not pushed; one without readers is seen by nobody.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from connectors.push_client.mundap_push import Document, Json, Mundap


def documents(folder: Path) -> Iterator[Document]:
    """The files that the table names, with their readers."""
    for row in _rows(folder / "readers.csv"):
        file = folder / row["file"]
        readers: list[Json] = list(row["readers"].split())
        yield Document(
            id=row["file"],
            title=row["title"],
            data=file.read_bytes(),
            name=file.name,
            modified=datetime.fromtimestamp(file.stat().st_mtime, UTC),
            acl={"allow": readers},
        )


def groups(folder: Path) -> dict[str, list[str]]:
    """Each group with its members."""
    file = folder / "groups.csv"
    return {row["group"]: row["members"].split() for row in _rows(file)} if file.exists() else {}


def push(mundap: Mundap, folder: Path) -> bool:
    """Put everything; what is no longer in the table is deleted. False: something failed."""
    fine = True
    mundap.put_groups(groups(folder), replace=True)
    with mundap.job("push_folder") as job:  # a fixed name: after a crash the same job goes on
        for result in job.put(documents(folder)):
            print(f"{result.status:9} {result.id} {result.message}".rstrip())  # noqa: T201
            fine = fine and result.status != "failed"
    print(f"{job.ended['state']}: {job.ended['deleted']} deleted, {job.ended['missing']} to be approved")  # noqa: T201
    return fine


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        yield from csv.DictReader(stream)


def main() -> int:
    """Exit status: 0 done, 1 something failed."""
    url, source, key_file, folder = sys.argv[1:5]
    key = Path(key_file).read_text(encoding="ascii").strip()
    return 0 if push(Mundap(url, source=int(source), key=key), Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
