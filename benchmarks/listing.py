"""How long a run on very many images takes to start, the first time and the second, and how much memory it needs.

    python -m benchmarks.listing --images 1000000 --draws 100000

A folder of hard links to a few hundred pictures stands for the images, so that no terabyte is written; each is listed,
decoded and remembered as a file of its own. `--shards` packs the same pictures in tar files of 1,000.
"""

import json
import os
import resource
import subprocess
import sys
import tarfile
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

PICTURES, EACH = 200, 1000


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--draws", type=int, default=100_000, help="Images that the training draws.")
    parser.add_argument("--size", type=int, default=64, help="Height and width of a picture.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shards", action="store_true")
    parser.add_argument("--folder", type=Path, help="Where to write them; a temporary folder if left out.")
    parser.add_argument("--start", type=Path, help="Start on this folder in this process, and print what it took.")
    asked = parser.parse_args()
    if asked.start:
        print(json.dumps(start(asked)))
        return
    with TemporaryDirectory(dir=asked.folder) as root:
        folder, cache = Path(root, "images"), Path(root, "cache")
        (write_shards if asked.shards else write_folder)(folder, asked)
        time.sleep(3)  # what has only just changed is not remembered
        print("| start | open | check | in all | memory | and in workers |\n|---|---|---|---|---|---|")
        for name in ("first", "second"):
            took = in_a_process(folder, cache)
            print(f"| {name} | {took['open']:.1f} s | {took['check']:.1f} s | {took['all']:.1f} s |", end="")
            print(f" {took['memory']:.2f} GiB | {took['workers']:.2f} GiB |", flush=True)


def in_a_process(folder: Path, cache: Path) -> dict[str, float]:
    began = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.listing", *sys.argv[1:], "--start", str(folder)]
    environment = os.environ | {"BENCH_CACHE": str(cache)}
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(result.stdout) | {"all": time.perf_counter() - began}


def start(asked: Namespace) -> dict[str, float]:
    """All that `bench run` does with images before the first step, and a few batches, in seconds and GiB."""
    import torch

    from bench_core.data.loader import loader
    from bench_core.data.pairs import TrainPairs
    from bench_core.data.validate import validate_images
    from bench_core.masks.mask_set import open_sets
    from bench_core.protocol import Protocol
    from bench_datasets import folder, shards
    from bench_masks import bench_masks

    rules = {"name": "mine", "image_set": "folder", "size": 32, "steps": 1, "batch": 8, "metrics": ["l1"]}
    protocol = Protocol.model_validate(rules | {"masks": {"box": {"family": "random_box"}}, "test_images": 1000})
    began = time.perf_counter()
    source = shards if asked.shards else folder
    train, test = (source.open_split(asked.start, split) for split in ("train", "test"))
    opened = time.perf_counter()
    checked = validate_images(train, test, protocol, asked.draws, False, None, asked.workers)
    holes = list(open_sets(protocol.masks, {family.name: family for family in bench_masks()}).values())
    pairs = TrainPairs(protocol, checked.train, holes, 0)
    checked.drawn_digest(pairs, asked.draws)
    done = time.perf_counter()
    for _ in loader(pairs, 8, asked.workers, torch.device("cpu"), range(4000)):
        pass
    peak, workers = (
        resource.getrusage(who).ru_maxrss / 2**20 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {"open": opened - began, "check": done - opened, "memory": peak, "workers": workers}


def write_folder(folder: Path, asked: Namespace) -> None:
    pictures = write_pictures(folder.parent / "pictures", asked.size)
    for number in range(asked.images):
        inside = folder / f"{number // EACH:05d}"
        if number % EACH == 0:
            inside.mkdir(parents=True)
        os.link(pictures[number % PICTURES], inside / f"{number:08d}.jpg")


def write_shards(folder: Path, asked: Namespace) -> None:
    pictures = write_pictures(folder.parent / "pictures", asked.size)
    folder.mkdir()
    for first in range(0, asked.images, EACH):
        with tarfile.open(folder / f"{first // EACH:05d}.tar", "w") as tar:
            for number in range(first, min(first + EACH, asked.images)):
                tar.add(pictures[number % PICTURES], f"{number:08d}.jpg")


def write_pictures(folder: Path, size: int) -> list[Path]:
    folder.mkdir()
    for number in range(PICTURES):
        pixels = np.random.default_rng(number).integers(0, 256, (size // 8, size // 8, 3), np.uint8)
        Image.fromarray(pixels).resize((size, size)).save(folder / f"{number}.jpg")
    return sorted(folder.iterdir())


if __name__ == "__main__":
    main()
