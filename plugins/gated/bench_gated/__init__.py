"""Free-Form Image Inpainting with Gated Convolution (DeepFill v2; Yu et al., ICCV 2019, arXiv 1806.03589)."""

from bench_core import Loss, Model, hookimpl
from bench_gated.recipe import RECIPE

_TERMS = "bench_gated.losses"


@hookimpl
def bench_models() -> list[Model]:
    return [
        Model(
            name="gated",
            title="Gated convolution (DeepFill v2)",
            citation="J. Yu, Z. Lin, J. Yang, X. Shen, X. Lu, T. Huang. Free-Form Image Inpainting with Gated "
            "Convolution. ICCV 2019. arXiv:1806.03589",
            build="bench_gated.model:build",
            recipe=RECIPE,
            losses=(
                Loss("l1", "mean |image - coarse| + mean |image - refined|, in [-1, 1]", f"{_TERMS}:l1"),
                Loss("adversarial", "negated mean score of the composite", f"{_TERMS}:adversarial"),
                Loss("discriminator", "halved hinge on scores of image and composite", f"{_TERMS}:discriminator"),
            ),
            size_multiple={"paper": 8, "nano": 8},
        )
    ]
