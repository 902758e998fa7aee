"""Generative Image Inpainting with Contextual Attention (DeepFill v1; Yu et al., CVPR 2018, arXiv 1801.07892)."""

from bench_contextual_attention.recipe import RECIPE
from bench_core import Checkpoint, Loss, Model, hookimpl

_TERMS = "bench_contextual_attention.losses"
_WEIGHTS = "bench_contextual_attention.weights"
_DAA233 = "github.com/daa233/generative-inpainting-pytorch"
_CRITICS = "prediction needs no critic"

CHECKPOINTS = (
    Checkpoint(
        "official",
        "TensorFlow 1 checkpoint of the official code",
        "github.com/JiahuiYu/generative_inpainting, branch v1.0.0 (Places2, CelebA-HQ, CelebA, ImageNet; 256 x 256)",
        f"{_WEIGHTS}:official",
        dropped={
            "discriminator/*": _CRITICS,
            "*/Adam": "Adam's first moments",
            "*/Adam_1": "Adam's second moments",
            "beta[12]_power*": "Adam's bias correction",
            "lr": "the learning rate",
            "global_step": "the number of steps",
        },
    ),
    Checkpoint(
        "daa233",
        "ImageNet model, trained without TensorFlow's padding and shrinking",
        f"{_DAA233}, gen_*.pt",
        f"{_WEIGHTS}:daa233",
        options={"patch_length": "shifted", "tf_compat": False},
    ),
    Checkpoint(
        "daa233_tf",
        "official weights converted to PyTorch, used with red, green, blue",
        f"{_DAA233}, torch_model.p",
        f"{_WEIGHTS}:daa233_tf",
        dropped={"localD.*": _CRITICS, "globalD.*": _CRITICS},
    ),
    Checkpoint(
        "daa233_tf_bgr",
        "the same file, read as blue, green, red",
        f"{_DAA233}, torch_model.p",
        f"{_WEIGHTS}:daa233_tf_bgr",
        dropped={"localD.*": _CRITICS, "globalD.*": _CRITICS},
    ),
    Checkpoint(
        "mmagic",
        "OpenMMLab's own training of its own wiring",
        "github.com/open-mmlab/mmagic, configs/deepfillv1",
        f"{_WEIGHTS}:mmagic",
        state_dict_key="state_dict",
        dropped={
            "disc.*": _CRITICS,
            "*.fuse_kernel": "the identity that fuses scores, a constant",
        },
        options={"mask_logit": "-inf", "overlap": "counted", "tf_compat": False, "wiring": "mmagic"},
    ),
)

CONTEXTUAL_ATTENTION = Model(
    name="contextual_attention",
    title="Contextual attention (DeepFill v1)",
    citation="J. Yu, Z. Lin, J. Yang, X. Shen, X. Lu, T. Huang. Generative Image Inpainting with Contextual "
    "Attention. CVPR 2018. arXiv:1801.07892",
    build="bench_contextual_attention.model:build",
    recipe=RECIPE,
    losses=(
        Loss(
            "discounted_l1",
            "mean w (1.2 |image - coarse| + |image - refined|) over a crop around the hole, in [-1, 1]",
            f"{_TERMS}:discounted_l1",
        ),
        Loss(
            "autoencoding",
            "mean 1.2 |image - coarse| + |image - refined| over known pixels, in [-1, 1]",
            f"{_TERMS}:autoencoding",
        ),
        Loss("adversarial", "negated mean scores of the composite and of its crop", f"{_TERMS}:adversarial"),
        Loss(
            "global_score_gap",
            "global critic: mean score of the composite minus that of the image",
            f"{_TERMS}:global_score_gap",
        ),
        Loss(
            "global_gradient_penalty",
            "global critic: squared distance from 1 of the gradient's norm in the hole",
            f"{_TERMS}:global_gradient_penalty",
        ),
        Loss(
            "local_score_gap",
            "local critic: mean score of the composite's crop minus that of the image's",
            f"{_TERMS}:local_score_gap",
        ),
        Loss(
            "local_gradient_penalty",
            "local critic: squared distance from 1 of the gradient's norm in the hole",
            f"{_TERMS}:local_gradient_penalty",
        ),
    ),
    size_multiple={"paper": 8, "nano": 8},
    options={
        "fuse": True,
        "mask_logit": "zero",
        "overlap": "constant",
        "hole_steps": 2,
        "patch_length": "floored",
        "tf_compat": True,
        "wiring": "official",
    },
    checkpoints=CHECKPOINTS,
    num_parameters={"paper": 3_601_542, "nano": 228_198},
)


@hookimpl
def bench_models() -> list[Model]:
    return [CONTEXTUAL_ATTENTION]
