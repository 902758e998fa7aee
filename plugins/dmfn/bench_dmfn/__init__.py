"""Image Fine-grained Inpainting (Hui et al., 2020, arXiv 2002.02609)."""

from dataclasses import replace

from bench_core import Checkpoint, Loss, Model, hookimpl
from bench_dmfn.recipe import RECIPE

_LOSSES = "bench_dmfn.losses"
_PLAIN = Model(
    name="dmfn",
    title="Dense multi-scale fusion network",
    citation="Z. Hui, J. Li, X. Wang, X. Gao. Image Fine-grained Inpainting. 2020. arXiv:2002.02609",
    build="bench_dmfn.model:build",
    recipe=RECIPE,
    losses=(
        Loss("mae", "mean |composite - image| in units of [-1, 1]", f"{_LOSSES}:mae"),
        Loss("fm_dis", "L1 between the discriminator's local features", f"{_LOSSES}:fm_dis"),
        Loss("adversarial", "relativistic average GAN, generator", f"{_LOSSES}:adversarial"),
        Loss("discriminator", "relativistic average GAN, discriminator", f"{_LOSSES}:discriminator"),
    ),
    size_multiple={"paper": 4, "nano": 4},
    num_parameters={"paper": 5_729_411},
    options={"block": "paper", "official_vgg_norm": False, "align": "paper"},
)
_OFFICIAL = Checkpoint(
    name="official",
    title="the official generator for CelebA-HQ with boxes",
    source="latest_G.pth of https://github.com/Zheng222/DMFN",
    translate="bench_dmfn.weights:official",
    options={"block": "released"},
)


def _form(block: str, title: str, num_parameters: int) -> Model:
    return replace(
        _PLAIN,
        name=f"dmfn:{block}",
        title=f"{_PLAIN.title}, {title}",
        options={**_PLAIN.options, "block": block},
        num_parameters={"paper": num_parameters},
    )


@hookimpl
def bench_models() -> list[Model]:
    return [
        _PLAIN,
        replace(_form("released", "released block", 9_037_443), checkpoints=(_OFFICIAL,)),
        _form("no_k", "without K_i", 4_843_139),
        _form("no_combination", "without combination", 4_843_139),
        _form("rate2", "plain blocks of rate 2", 7_201_923),
        _form("rate8", "plain blocks of rate 8", 7_201_923),
    ]


@hookimpl
def bench_losses() -> list[Loss]:
    return [
        Loss(
            "self_guided",
            "L1 between VGG-19 relu1..2_1 features, weighted by the error",
            f"{_LOSSES}:self_guided",
            "vgg19",
        ),
        Loss("fm_vgg", "L1 between VGG-19 relu1..5_1 features", f"{_LOSSES}:fm_vgg", "vgg19"),
        Loss("align", "distance of the centres of mass of VGG-19 relu4_1", f"{_LOSSES}:align", "vgg19"),
    ]
