"""Measure the time and memory of the statistics of a large table: python -m benchmarks.statistics_speed"""

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
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    difficulty = rng.gamma(2, size=args.images)
    began = time.perf_counter()
    for metric in range(args.metrics):
        values = [difficulty[None] + rng.normal(0.01 * method, 1, (1, args.images)) for method in range(args.methods)]
        rank(compare(values, np.arange(args.images), metric, resamples=RESAMPLES), "lower")
    seconds, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{RESAMPLES:,} resamples of {args.methods} methods x {args.images:,} images x {args.metrics} metrics: "
        f"{seconds:.1f} s, peak {peak:.2f} GiB"
    )


if __name__ == "__main__":
    main()
