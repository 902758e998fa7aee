"""Experiment trackers that show trainings. They write below the store, and never over a network."""

from bench_core.hookspecs import hookimpl
from bench_core.specs import Tracker


@hookimpl
def bench_trackers() -> list[Tracker]:
    return [
        Tracker("tensorboard", "TensorBoard", "bench_core.training.trackers.tensorboard:EventFiles", "tensorboard"),
        Tracker("mlflow", "MLflow, in files", "bench_core.training.trackers.mlflow:FileRun", "mlflow"),
        Tracker("wandb", "Weights & Biases, offline", "bench_core.training.trackers.wandb:OfflineRun", "wandb"),
    ]
