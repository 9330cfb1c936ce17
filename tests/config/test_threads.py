"""No process of an installation lets NumPy take a thread for every core."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.config.env import REPOSITORY

SCRIPT = """
import assistant.config.settings
import numpy, threadpoolctl
print(*(each["num_threads"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"))
"""


@pytest.mark.parametrize(("said", "threads"), [(None, 1), ("2", min(2, os.cpu_count() or 1))])
def test_products_of_matrices_take_one_thread_unless_the_environment_says_otherwise(
    tmp_path: Path, said: str | None, threads: int
) -> None:
    around = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    around |= {"MUNDAP_HOME": str(tmp_path)} | ({"OPENBLAS_NUM_THREADS": said} if said else {})
    found = subprocess.check_output([sys.executable, "-c", SCRIPT], cwd=REPOSITORY, env=around, text=True)
    assert found.split() == [str(threads)]
