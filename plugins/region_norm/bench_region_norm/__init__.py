"""Region Normalization for Image Inpainting (RN; Yu et al., AAAI 2020, arXiv 1911.10375)."""

from bench_core import Checkpoint, Loss, Model, hookimpl
from bench_region_norm.recipe import RECIPE

_LOSSES = "bench_region_norm.losses"
_WEIGHTS = "bench_region_norm.weights"
_SOURCE = "pretrained_model/x_admin.cluster.localRN-0.8RN-Net_bs_14_epoch_3.pth of https://github.com/geekyutao/RN"
_DROPPED = {"discriminator.*": "prediction needs no discriminator"}

REGION_NORM = Model(
    name="region_norm",
    title="Region normalization (RN)",
    citation="T. Yu, Z. Guo, X. Jin, S. Wu, Z. Chen, W. Li, Z. Zhang, S. Liu. Region Normalization for Image "
    "Inpainting. AAAI 2020. arXiv:1911.10375",
    build="bench_region_norm.model:build",
    recipe=RECIPE,
    losses=(
        Loss("l1", "mean |composite - image| / mean hole", f"{_LOSSES}:l1"),
        Loss("adversarial", "cross-entropy of the prediction's scores with 1", f"{_LOSSES}:adversarial"),
        Loss("discriminator", "half the cross-entropies of real and predicted images", f"{_LOSSES}:discriminator"),
    ),
    size_multiple={"paper": 4, "nano": 4},
    options={"threshold": 0.8},
    checkpoints=(
        Checkpoint("official", "trained on one GPU", _SOURCE, f"{_WEIGHTS}:official", dropped=_DROPPED),
        Checkpoint("parallel", "trained on several GPUs", _SOURCE, f"{_WEIGHTS}:parallel", dropped=_DROPPED),
    ),
    num_parameters={"paper": 11_596_591, "nano": 74_191},
    batch_dependent=True,
)


@hookimpl
def bench_models() -> list[Model]:
    return [REGION_NORM]
