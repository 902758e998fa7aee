"""Methods that learn nothing, so that every table has a floor."""

from bench_core.hookspecs import hookimpl
from bench_core.specs import Model

_HERE = "bench_core.baselines.classical"


@hookimpl
def bench_models() -> list[Model]:
    return [
        Model(
            "mean_color",
            "Mean colour of the known pixels",
            "This project.",
            f"{_HERE}:mean_color",
            channels=(1, 3),
        ),
        Model(
            "telea",
            "Fast marching (OpenCV)",
            "A. Telea. An Image Inpainting Technique Based on the Fast Marching Method. J. Graphics Tools, 2004",
            f"{_HERE}:telea",
            channels=(1, 3),
        ),
        Model(
            "navier_stokes",
            "Navier-Stokes (OpenCV)",
            "M. Bertalmio, A. L. Bertozzi, G. Sapiro. Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting. "
            "CVPR 2001",
            f"{_HERE}:navier_stokes",
            channels=(1, 3),
        ),
    ]
