"""Image Inpainting for Irregular Holes Using Partial Convolutions (Liu et al., ECCV 2018, arXiv 1804.07723)."""

from bench_core import Model, hookimpl
from bench_pconv.recipe import RECIPE


@hookimpl
def bench_models() -> list[Model]:
    return [
        Model(
            name="pconv",
            title="Partial convolutions",
            citation="G. Liu, F. A. Reda, K. J. Shih, T.-C. Wang, A. Tao, B. Catanzaro. Image Inpainting for "
            "Irregular Holes Using Partial Convolutions. ECCV 2018. arXiv:1804.07723",
            build="bench_pconv.model:build",
            recipe=RECIPE,
            size_multiple={"paper": 256, "nano": 32},
        )
    ]
