"""Context Encoders: Feature Learning by Inpainting (Pathak et al., CVPR 2016, arXiv 1604.07379)."""

from dataclasses import replace

from bench_context_encoder.recipe import MAGGIORDOMO, OFFICIAL
from bench_core import Checkpoint, Loss, Model, hookimpl

_HERE = "bench_context_encoder"


@hookimpl
def bench_models() -> list[Model]:
    centre = Model(
        name="context_encoder",
        title="Context encoder",
        citation="D. Pathak, P. Krähenbühl, J. Donahue, T. Darrell, A. A. Efros. Context Encoders: Feature Learning by "
        "Inpainting. CVPR 2016. arXiv:1604.07379",
        build=f"{_HERE}.model:build",
        recipe=OFFICIAL,
        losses=(
            Loss("reconstruction", "weighted squared error in [-1, 1]", f"{_HERE}.losses:reconstruction"),
            Loss("adversarial", "cross-entropy of the prediction's score with real", f"{_HERE}.losses:adversarial"),
            Loss("discriminator", "cross-entropies of both scores with real and fake", f"{_HERE}.losses:discriminator"),
        ),
        fixed_size={"paper": 128, "nano": 64},
        options={"fill": "official", "bottleneck": 4000, "known_weight": 10.0},
        supports_hole=f"{_HERE}.patch:supports_hole",
        num_parameters={"paper": 71_124_544},
        checkpoints=(
            Checkpoint(
                name="boyuanjiang",
                title="generators saved by BoyuanJiang's PyTorch training",
                source="https://github.com/BoyuanJiang/context_encoder_pytorch",
                translate=f"{_HERE}.weights:translate",
                state_dict_key="state_dict",
                options={"fill": "official", "bottleneck": 4000},
            ),
        ),
    )
    maggiordomo = replace(
        centre,
        name="context_encoder:maggiordomo",
        title="Context encoder (Maggiordomo's training)",
        citation="A. Maggiordomo. Image Inpainting with Convolutional Neural Networks. Course report, 2021",
        recipe=MAGGIORDOMO,
        options={**centre.options, "fill": "zero"},
        checkpoints=(),
    )
    random_region = replace(
        centre,
        name="context_encoder:random_region",
        title="Context encoder for arbitrary regions",
        build=f"{_HERE}.model:build_random_region",
        options={**centre.options, "known_weight": 1.0},
        supports_hole=None,
        num_parameters={"paper": 71_190_208},
        checkpoints=(),
    )
    return [centre, maggiordomo, random_region]
