"""Image Inpainting for Irregular Holes Using Partial Convolutions (Liu et al., ECCV 2018, arXiv 1804.07723)."""

from dataclasses import replace

from bench_core import Checkpoint, Model, hookimpl
from bench_pconv.recipe import RECIPE

_PLAIN = Model(
    name="pconv",
    title="Partial convolutions",
    citation="G. Liu, F. A. Reda, K. J. Shih, T.-C. Wang, A. Tao, B. Catanzaro. Image Inpainting for "
    "Irregular Holes Using Partial Convolutions. ECCV 2018. arXiv:1804.07723",
    build="bench_pconv.model:build",
    recipe=RECIPE,
    size_multiple={"paper": 256, "nano": 32},
    num_parameters={"paper": 32_859_732},
    options={"mask_channels": "multi", "bias": "last", "input_range": "unit", "activation": "none"},
)
_NAOTO0804 = Checkpoint(
    name="naoto0804",
    title="naoto0804's network of seven layers",
    source="https://github.com/naoto0804/pytorch-inpainting-with-partial-conv",
    translate="bench_pconv.weights:naoto0804",
    state_dict_key="model",
    dropped={"*.mask_conv.weight": "kernels of ones that count valid pixels"},
    options={"input_range": "imagenet"},
)
_MMAGIC = Checkpoint(
    name="mmagic",
    title="MMagic's (formerly MMEditing's) network of seven layers",
    source="https://github.com/open-mmlab/mmagic, configs/partial_conv",
    translate="bench_pconv.weights:mmagic",
    state_dict_key="state_dict",
    dropped={
        "*.weight_mask_updater": "kernels of ones that count valid pixels",
        "loss_*": "the feature extractor of the losses",
    },
    options={"input_range": "signed", "bias": "unnormed"},
)


@hookimpl
def bench_models() -> list[Model]:
    return [
        _PLAIN,
        replace(
            _PLAIN,
            name="pconv:seven",
            title="Partial convolutions, seven layers",
            build="bench_pconv.model:build_seven",
            size_multiple={"paper": 128, "nano": 16},
            num_parameters={"paper": 25_779_796},
            checkpoints=(_NAOTO0804, _MMAGIC),
        ),
    ]
