"""Compare the trainings with and without the gradient term over seeds, from the rows stored beside this file."""

from pathlib import Path

import numpy as np
from scipy import stats

from bench_core.store.store import read_runs

WITH, WITHOUT = "gradient_attention:mnist", "gradient_attention:mnist-grad_l1"


def claim(folder: Path) -> str:
    """Return a table in Markdown: means over test images, then over seeds, with 95 % intervals paired by seed."""
    store, runs = read_runs(folder)
    rows = store.rows(runs[-1])
    by_training = rows.groupby(["metric", "variant", "seed"], sort=False, observed=True)["value"]
    means = by_training.mean().unstack(["variant", "seed"])
    lines = [
        "| metric | alpha = 0 | alpha = 1 | difference | seeds in which alpha = 1 is lower |",
        "|---|---:|---:|---:|---:|",
    ]
    for metric, values in means.iterrows():
        plain, attentive = values[WITHOUT].to_numpy(), values[WITH].to_numpy()
        gain = attentive - plain
        cells = [
            _interval(plain),
            _interval(attentive),
            _interval(gain, "+"),
            f"{(gain < 0).sum()} of {len(gain)} seeds",
        ]
        lines.append(f"| {metric} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _interval(values: np.ndarray, sign: str = "") -> str:
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():{sign}.4f} ± {half:.4f}"


if __name__ == "__main__":
    here = Path(__file__).parent
    (here / "claim.md").write_text(claim(here), encoding="utf-8")
