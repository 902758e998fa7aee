"""The plugin's door: what is seen before, and after, its networks are imported."""

import subprocess
import sys

import torch

import bench_dmfn
from bench_core.specs import resolve


def test_the_door_imports_no_torch():
    code = (
        "import sys, bench_dmfn; bench_dmfn.bench_models(), bench_dmfn.bench_losses(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_scale_builds_and_paints_sizes_it_claims():
    (model,) = bench_dmfn.bench_models()
    build = resolve(model.build)
    for height, width in ((8, 12), (36, 20)):
        assert all(size % model.size_multiple["nano"] == 0 for size in (height, width))
        masked, hole = torch.rand(1, 3, height, width), torch.ones(1, 1, height, width)
        painted = build("nano", 3).predict(masked * 0, hole)
        assert painted.shape == masked.shape and painted.min() >= 0 and painted.max() <= 1
    with torch.device("meta"):
        assert [type(build(scale, 3)).__name__ for scale in model.scales] == ["DMFN", "DMFN"]
