"""Training-free baselines for every table."""

from bench_core import Model, hookimpl

_OPENCV = "As in OpenCV, with radius 3; hidden pixels start from the nearest known colour."


@hookimpl
def bench_models() -> list[Model]:
    return [
        Model(
            "mean_color",
            "Mean colour of the known pixels",
            "This project.",
            "bench_classical.model:mean_color",
            channels=(1, 3),
        ),
        Model(
            "telea",
            "Fast marching (OpenCV)",
            "A. Telea. An Image Inpainting Technique Based on the Fast Marching Method. J. Graphics Tools, 2004. "
            + _OPENCV,
            "bench_classical.model:telea",
            channels=(1, 3),
        ),
        Model(
            "navier_stokes",
            "Navier-Stokes (OpenCV)",
            "M. Bertalmio, A. L. Bertozzi, G. Sapiro. Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting. "
            "CVPR 2001. " + _OPENCV,
            "bench_classical.model:navier_stokes",
            channels=(1, 3),
        ),
    ]
