"""Free-Form Image Inpainting with Gated Convolution (DeepFill v2; Yu et al., ICCV 2019, arXiv 1806.03589)."""

from dataclasses import replace

from bench_core import Checkpoint, Loss, Model, hookimpl
from bench_gated.recipe import RECIPE

_TERMS = "bench_gated.losses"
_WEIGHTS = "bench_gated.weights"
_NIPPONJO = "github.com/nipponjo/deepfillv2-pytorch"

CHECKPOINTS = (
    Checkpoint(
        "official",
        "TensorFlow 1 checkpoint of the official code",
        "github.com/JiahuiYu/generative_inpainting, release_places2_256 and release_celeba_hq_256",
        f"{_WEIGHTS}:official",
        dropped={
            "discriminator/*": "prediction needs no discriminator",
            "*/Adam": "Adam's first moments",
            "*/Adam_1": "Adam's second moments",
            "beta[12]_power*": "Adam's bias correction",
            "lr": "the learning rate",
            "global_step": "the number of steps",
        },
    ),
    Checkpoint(
        "nipponjo_tf",
        "official weights converted to PyTorch, used with red, green, blue",
        f"{_NIPPONJO}, states_tf_places2.pth and states_tf_celebahq.pth",
        f"{_WEIGHTS}:nipponjo_tf",
        state_dict_key="G",
        options={"fuse": False, "hole_steps": 1},
    ),
    Checkpoint(
        "nipponjo_tf_bgr",
        "the same files, read as blue, green, red",
        f"{_NIPPONJO}, states_tf_places2.pth and states_tf_celebahq.pth",
        f"{_WEIGHTS}:nipponjo_tf_bgr",
        state_dict_key="G",
        options={"fuse": False, "hole_steps": 1},
    ),
    Checkpoint(
        "nipponjo_pt",
        "official weights fine-tuned without TensorFlow's padding and shrinking",
        f"{_NIPPONJO}, states_pt_places2.pth and states_pt_celebahq.pth",
        f"{_WEIGHTS}:nipponjo_pt",
        state_dict_key="G",
        options={"tf_compat": False},
    ),
    Checkpoint(
        "mmagic",
        "OpenMMLab's own training of its own wiring",
        "github.com/open-mmlab/mmagic, configs/deepfillv2",
        f"{_WEIGHTS}:mmagic",
        state_dict_key="state_dict",
        dropped={
            "disc.*": "prediction needs no discriminator",
            "*.fuse_kernel": "the identity that fuses scores, a constant",
        },
        options={"mask_logit": "-inf", "overlap": "counted", "tf_compat": False, "wiring": "mmagic"},
    ),
)

GATED = Model(
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
    options={
        "fuse": True,
        "mask_logit": "zero",
        "overlap": "constant",
        "hole_steps": 2,
        "tf_compat": True,
        "wiring": "official",
    },
    checkpoints=CHECKPOINTS,
    num_parameters={"paper": 4_052_478},
)
GUIDED = replace(
    GATED,
    name="gated:guided",
    title="Gated convolution (DeepFill v2), guided by a sketch",
    build="bench_gated.model:build_guided",
    guide="bench_gated.guide:edges",
    num_parameters={"paper": 4_053_678},
    checkpoints=(),  # no weights of this form are published
)


@hookimpl
def bench_models() -> list[Model]:
    return [GATED, GUIDED]
