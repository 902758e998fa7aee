"""Image Inpainting via Generative Multi-column Convolutional Neural Networks (GMCNN; Wang et al., NeurIPS 2018)."""

from dataclasses import replace

from bench_core import Checkpoint, Loss, Model, hookimpl
from bench_gmcnn.recipe import RECIPE, TF_RECIPE

_LOSSES = "bench_gmcnn.losses"
_REPOSITORY = "github.com/shepnerd/inpainting_gmcnn"
_AUTOENCODING = Loss(
    "autoencoding", "mean |prediction - image| over known pixels, in [-1, 1]", f"{_LOSSES}:autoencoding"
)
_ADVERSARIAL = Loss("adversarial", "negated mean scores of both discriminators", f"{_LOSSES}:adversarial")

PYTORCH = Checkpoint(
    "pytorch",
    "generator of the official PyTorch version",
    f"{_REPOSITORY}, *_net_GM.pth (CelebA-HQ; 256 x 256)",
    "bench_gmcnn.weights:pytorch",
)
TF = Checkpoint(
    "tf",
    "TensorFlow 1 checkpoint of the official code",
    f"{_REPOSITORY}, snap-* (Paris, CelebA-HQ, Places2 with boxes; CelebA-HQ with strokes)",
    "bench_gmcnn.weights:tf",
    dropped={
        "discriminator/*": "prediction needs no critics",
        "*/Adam": "Adam's first moments",
        "*/Adam_1": "Adam's second moments",
        "beta[12]_power*": "Adam's bias correction",
        "Variable*": "the kernel of the confidence, a constant",
        "fmask/*": "a mask of training",
        "lr": "the learning rate",
        "global_step": "the number of steps",
    },
    options={"variant": "tf"},
)

GMCNN = Model(
    name="gmcnn",
    title="Generative multi-column network",
    citation="Y. Wang, X. Tao, X. Qi, X. Shen, J. Jia. Image Inpainting via Generative Multi-column Convolutional "
    "Neural Networks. NeurIPS 2018. arXiv:1810.08771",
    build="bench_gmcnn.model:build",
    recipe=RECIPE,
    losses=(
        Loss(
            "reconstruction",
            "mean |prediction - image| over the hole, weighted by confidence, in [-1, 1]",
            f"{_LOSSES}:reconstruction",
            parameters={"window": 65, "sigma": 1 / 40, "rounds": 7},
        ),
        _AUTOENCODING,
        Loss("id_mrf", "ID-MRF on VGG-19 relu3_1 and relu4_1 of the composite", f"{_LOSSES}:id_mrf", "vgg19"),
        _ADVERSARIAL,
        Loss("discriminator", "hinge losses of both discriminators", f"{_LOSSES}:discriminator"),
    ),
    size_multiple={"paper": 4, "nano": 4},
    min_size={"paper": 196},
    options={"variant": "pytorch", "local": "crop"},
    checkpoints=(PYTORCH, TF),
    num_parameters={"paper": 12_561_891, "nano": 787_995},
)
GMCNN_TF = replace(
    GMCNN,
    name="gmcnn:tf",
    title="Generative multi-column network, TensorFlow version",
    recipe=TF_RECIPE,
    losses=(
        Loss(
            "reconstruction",
            "mean |prediction - image| over a crop around the hole, weighted by confidence, in [-1, 1]",
            f"{_LOSSES}:tf_reconstruction",
            parameters={"window": 64, "sigma": 1 / 40, "rounds": 7},
        ),
        _AUTOENCODING,
        Loss("id_mrf", "ID-MRF on VGG-19 relu3_2 and relu4_2, roles exchanged", f"{_LOSSES}:tf_id_mrf", "vgg19"),
        _ADVERSARIAL,
        Loss("score_gap", "mean scores of composites minus those of images", f"{_LOSSES}:tf_score_gap"),
        Loss(
            "gradient_penalty",
            "squared distance from 1 of the gradient's norm in the hole",
            f"{_LOSSES}:tf_gradient_penalty",
        ),
    ),
    min_size={},
    options={"variant": "tf", "local": "crop"},
    checkpoints=(TF,),
    num_parameters={"paper": 12_429_107},
)


@hookimpl
def bench_models() -> list[Model]:
    return [GMCNN, GMCNN_TF]
