"""PatchMatch completion: fill a hole with patches of the known pixels. Training-free."""

from bench_core import Model, hookimpl


@hookimpl
def bench_models() -> list[Model]:
    return [
        Model(
            name="patchmatch",
            title="PatchMatch",
            citation="C. Barnes, E. Shechtman, A. Finkelstein, D. B. Goldman. PatchMatch: A Randomized Correspondence "
            "Algorithm for Structural Image Editing. SIGGRAPH 2009. Energy of Y. Wexler, E. Shechtman, M. Irani. "
            "Space-Time Completion of Video. PAMI 2007.",
            build="bench_patchmatch.model:build",
            channels=(1, 3),
            options={"radius": 3, "gradients": True, "votes": "fixed", "seed": 0},
        )
    ]
