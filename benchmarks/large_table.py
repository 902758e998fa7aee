"""How long the statistics of a large table take, and how much memory: python benchmarks/large_table.py"""

import resource
import time
from argparse import ArgumentParser

import numpy as np

from bench_core.statistics.compare import RESAMPLES, compare
from bench_core.statistics.ranking import rank


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--methods", type=int, default=20)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--metrics", type=int, default=8)
    size = parser.parse_args()
    rng = np.random.default_rng(0)
    difficulty = rng.gamma(2, size=size.images)
    began = time.perf_counter()
    for metric in range(size.metrics):
        values = [difficulty[None] + rng.normal(0.01 * method, 1, (1, size.images)) for method in range(size.methods)]
        rank(compare(values, np.arange(size.images), metric, resamples=RESAMPLES), "lower")
    took, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{RESAMPLES:,} resamples of {size.methods} methods x {size.images:,} images x {size.metrics} metrics: "
        f"{took:.1f} s, {peak:.2f} GiB at most"
    )


if __name__ == "__main__":
    main()
