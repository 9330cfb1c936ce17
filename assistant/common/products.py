"""How many threads NumPy takes for products of matrices: one, unless the environment says otherwise."""

from __future__ import annotations

import os


def use_one_thread() -> None:
    """Tell NumPy's OpenBLAS, which reads this once: call it before NumPy is imported.

    By itself it takes a thread for every core. Ours are small products, and many at a time; its threads
    wait for each other, for as long as anything else keeps one of the cores busy. What is large is computed
    by kernels of our own and by torch, which this does not touch.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
