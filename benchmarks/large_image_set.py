"""Measure how a run on a very large image set starts: time of the first and second start, and peak memory.

    python -m benchmarks.large_image_set --images 1000000 --draws 100000

The images are hard links to a few hundred files, so that little is written. Each is listed, decoded and cached as a
file of its own. `--shards` packs the same files in tar files of 1,000.
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

FILES, PER_FOLDER = 200, 1000


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--draws", type=int, default=100_000, help="images that the training draws")
    parser.add_argument("--size", type=int, default=64, help="height and width of an image")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shards", action="store_true", help="pack the images in tar files")
    parser.add_argument("--folder", type=Path, help="folder for the images; a temporary one if not given")
    parser.add_argument("--start", type=Path, help="start on this folder in this process, and print the measurements")
    args = parser.parse_args()
    if args.start:
        print(json.dumps(start(args)))
        return
    with TemporaryDirectory(dir=args.folder) as root:
        folder, cache = Path(root, "images"), Path(root, "cache")
        (write_shards if args.shards else write_folder)(folder, args)
        time.sleep(3)  # files that changed just now are not cached
        print("| start | open | check | total | memory | memory of workers |\n|---|---|---|---|---|---|")
        for name in ("first", "second"):
            result = start_in_child(folder, cache)
            print(f"| {name} | {result['open']:.1f} s | {result['check']:.1f} s | {result['all']:.1f} s |", end="")
            print(f" {result['memory']:.2f} GiB | {result['workers']:.2f} GiB |", flush=True)


def start_in_child(folder: Path, cache: Path) -> dict[str, float]:
    began = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.large_image_set", *sys.argv[1:], "--start", str(folder)]
    environment = os.environ | {"BENCH_CACHE": str(cache)}
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(result.stdout) | {"all": time.perf_counter() - began}


def start(args: Namespace) -> dict[str, float]:
    """Do what `bench run` does with images before the first step, and load some batches; return seconds and GiB."""
    import torch

    from bench_core.data.loader import loader
    from bench_core.data.pairs import TrainPairs
    from bench_core.data.validate import check
    from bench_core.masks.mask_set import open_sets
    from bench_core.protocol import Protocol
    from bench_datasets import folder, shards
    from bench_masks import bench_masks

    rules = {"name": "mine", "image_set": "folder", "size": 32, "steps": 1, "batch": 8, "metrics": ["l1"]}
    protocol = Protocol.model_validate(rules | {"masks": {"box": {"family": "random_box"}}, "test_images": 1000})
    began = time.perf_counter()
    source = shards if args.shards else folder
    train, test = (source.open_split(args.start, split) for split in ("train", "test"))
    opened = time.perf_counter()
    checked = check(train, test, protocol, args.draws, False, None, args.workers)
    holes = list(open_sets(protocol.masks, {family.name: family for family in bench_masks()}).values())
    pairs = TrainPairs(protocol, checked.train, holes, 0)
    checked.drawn_digests(pairs, args.draws)
    done = time.perf_counter()
    for _ in loader(pairs, 8, args.workers, torch.device("cpu"), range(4000)):
        pass
    peak, workers = (
        resource.getrusage(who).ru_maxrss / 2**20 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {"open": opened - began, "check": done - opened, "memory": peak, "workers": workers}


def write_folder(folder: Path, args: Namespace) -> None:
    files = write_images(folder.parent / "files", args.size)
    for number in range(args.images):
        inside = folder / f"{number // PER_FOLDER:05d}"
        if number % PER_FOLDER == 0:
            inside.mkdir(parents=True)
        os.link(files[number % FILES], inside / f"{number:08d}.jpg")


def write_shards(folder: Path, args: Namespace) -> None:
    files = write_images(folder.parent / "files", args.size)
    folder.mkdir()
    for first in range(0, args.images, PER_FOLDER):
        with tarfile.open(folder / f"{first // PER_FOLDER:05d}.tar", "w") as tar:
            for number in range(first, min(first + PER_FOLDER, args.images)):
                tar.add(files[number % FILES], f"{number:08d}.jpg")


def write_images(folder: Path, size: int) -> list[Path]:
    folder.mkdir()
    for number in range(FILES):
        pixels = np.random.default_rng(number).integers(0, 256, (size // 8, size // 8, 3), np.uint8)
        Image.fromarray(pixels).resize((size, size)).save(folder / f"{number}.jpg")
    return sorted(folder.iterdir())


if __name__ == "__main__":
    main()
