"""Simulate how often intervals cover the truth and equal methods differ: python -m benchmarks.interval_coverage

The tables are written into docs/statistics.md. Every simulated experiment has two methods with the same true mean.
"""

import re
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench_core import seeds
from bench_core.statistics.compare import compare
from bench_core.statistics.contrasts import intervals
from bench_core.statistics.margins import TrainingMargins
from bench_core.statistics.ranking import SIGNIFICANCE_LEVEL, rank

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
DISTRIBUTIONS: Mapping[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "Student's t, 3 degrees": lambda rng, shape: rng.standard_t(3, shape) / np.sqrt(3),
    "log-normal": lambda rng, shape: (rng.lognormal(size=shape) - np.exp(0.5)) / np.sqrt(np.exp(2) - np.exp(1)),
}
"""Distributions with mean 0; all have the standard deviation 1."""
IMAGES = (2, 3, 4, 5, 7, 9, 10, 12, 15, 20, 25, 30, 50, 100)
TRAININGS = ((3, 1, 1), (3, 1, 3), (3, 3, 1), (3, 3, 3), (2, 2, 1), (2, 2, 3), (5, 5, 1), (3, 0, 1))
"""Seeds of both methods, and how much more the second varies between trainings. 0 seeds: it is not trained."""
TRAINED_IMAGES = 30
TABLES = ((5, 10), (20, 30), (20, 100))
"""Methods and images of whole tables."""
BATCH = 500
"""Experiments at a time."""
RESAMPLES = 2000
PAGE = Path(__file__).parents[1] / "docs" / "statistics.md"
SLOT = re.compile(r"(<!-- python -m benchmarks.interval_coverage -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=10_000, help="of each kind")
    parser.add_argument("--tables", type=int, default=200, help="of each kind")
    args = parser.parse_args()
    text = measure(args.experiments, args.tables)
    PAGE.write_text(SLOT.sub(lambda slot: slot[1] + text + slot[2], PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def measure(experiments: int, tables: int) -> str:
    """Return all tables in Markdown."""
    by_images = {count: [simulate(draw, experiments, count) for draw in DISTRIBUTIONS.values()] for count in IMAGES}
    by_seeds = {
        _trainings_name(*each): [simulate(draw, experiments, TRAINED_IMAGES, each) for draw in DISTRIBUTIONS.values()]
        for each in TRAININGS
    }
    by_table = {
        f"{methods} methods, {images} images": [
            wrong_tables(draw, tables, methods, images) for draw in DISTRIBUTIONS.values()
        ]
        for methods, images in TABLES
    }
    percent = "{0:.1%}".format
    both = "{0[0]:.1%} / {0[1]:.1%}".format
    return (
        f"Coverage and false positives in {experiments:,} simulated experiments each:\n\n"
        f"{_table('images', by_images, both)}\n"
        f"The same with {TRAINED_IMAGES} images and several seeds. Trainings vary as much as images:\n\n"
        f"{_table('seeds', by_seeds, both)}\n"
        f"Tables of equal methods that claim any difference, of {tables:,} each:\n\n"
        f"{_table('table', by_table, percent)}"
    )


def simulate(
    draw: Draw, experiments: int, images: int, trainings: tuple[int, int, float] | None = None
) -> tuple[float, float]:
    """Return the share of intervals of a mean that cover it, and of equal methods that are called different.

    Differences between images follow the distribution, so they are as skewed as it is. With `trainings` those between
    trainings do, too.
    """
    rng, covered, different, batches = np.random.default_rng(0), 0, 0, -(-experiments // BATCH)
    for batch in range(batches):
        values = [each for _ in range(BATCH) for each in _experiment(draw, rng, images, trainings)]
        per_photograph = np.stack([each.mean(0) for each in values], axis=1)
        training, first = TrainingMargins.of(values), np.arange(0, len(values), 2)
        pairs, means = (
            intervals(per_photograph, training, first, second, RESAMPLES, seeds.generator("coverage", batch))
            for second in (first + 1, np.full_like(first, len(values)))
        )
        covered += np.count_nonzero((means.low <= 0) & (means.high >= 0))
        different += np.count_nonzero(pairs.p < SIGNIFICANCE_LEVEL)
    return covered / (BATCH * batches), different / (BATCH * batches)


def _experiment(
    draw: Draw, rng: np.random.Generator, images: int, trainings: tuple[int, int, float] | None
) -> list[np.ndarray]:
    a, b = draw(rng, (1, images)), np.zeros((1, images))
    if trainings:
        several, others, ratio = trainings
        a = a + draw(rng, (several, 1))
        b = b + ratio * draw(rng, (others, 1)) if others else np.repeat(b, several, axis=0)
    return [a, b]


def wrong_tables(draw: Draw, tables: int, methods: int, images: int) -> float:
    """Return the share of tables of equal methods in which any difference is significant."""
    rng, wrong = np.random.default_rng(0), 0
    for table in range(tables):
        difficulty = draw(rng, (1, images))
        values = [difficulty + draw(rng, (1, images)) for _ in range(methods)]
        wrong += len(set(rank(compare(values, np.arange(images), table), "lower").groups)) > 1
    return wrong / tables


def _trainings_name(several: int, others: int, ratio: float) -> str:
    return f"{several} against {others or 'no training'}" + f", {ratio} x the spread" * (ratio != 1)


def _table(name: str, rows: Mapping, form: Callable) -> str:
    head: Sequence[str] = [name, *DISTRIBUTIONS]
    lines = [head, ["---", *["---:"] * len(DISTRIBUTIONS)], *([str(key), *map(form, row)] for key, row in rows.items())]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
