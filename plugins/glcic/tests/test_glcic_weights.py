"""Random weights in published layouts give here the predictions of the layouts' own forward passes."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv2d, conv_transpose2d

from bench_core.methods.convert_weights import compare

WIDTHS = (64, 128, 128, *[256] * 9, 128, 128, 64, 32, 3)
STATISTICS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def weight(number: int) -> Tensor:
    before, after = (4, *WIDTHS)[number - 1 : number + 1]
    side = {1: 5, 13: 4, 15: 4}.get(number, 3)
    shape = (before, after) if number in (13, 15) else (after, before)
    return torch.randn(*shape, side, side) * (3 / (before * side**2)) ** 0.5


def statistics(name: str, width: int) -> dict[str, Tensor]:
    """Return random entries of a batch norm."""
    values = torch.rand(width) + 0.5, torch.randn(width) / 20, torch.randn(width) / 20, torch.rand(width) + 0.5
    return dict(zip([f"{name}.{kind}" for kind in STATISTICS], [*values, torch.tensor(7)], strict=True))


def convolved(number: int, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    if number in (13, 15):
        return conv_transpose2d(x, kernel, bias, 2, 1)
    rate = {7: 2, 8: 4, 9: 8, 10: 16}.get(number, 1)
    return conv2d(x, kernel, bias, 2 if number in (2, 4) else 1, rate * (kernel.shape[-1] // 2), rate)


def normed(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    gain, shift, mean, var, _ = (state[f"{name}.{kind}"] for kind in STATISTICS)
    return batch_norm(x, mean, var, gain, shift)


def otenim() -> dict[str, Tensor]:
    state = {"mpv": torch.tensor([0.5, 0.4, 0.3])}
    for number, width in enumerate(WIDTHS, 1):
        name = f"{'deconv' if number in (13, 15) else 'conv'}{number}"
        state |= {f"{name}.weight": weight(number), f"{name}.bias": torch.randn(width) / 20}
        state |= statistics(f"bn{number}", width) if number < 17 else {}
    return state


def otenim_forward(state: dict[str, Tensor], image: Tensor, hole: Tensor) -> Tensor:
    x = torch.cat([image - image * hole + state["mpv"].view(1, 3, 1, 1) * hole, hole], 1)
    for number in range(1, 18):
        name = f"{'deconv' if number in (13, 15) else 'conv'}{number}"
        x = convolved(number, x, state[f"{name}.weight"], state[f"{name}.bias"])
        x = normed(state, f"bn{number}", x.relu()) if number < 17 else x.sigmoid()
    return x


MMAGIC = [
    *(f"encoder.enc{n}" for n in range(1, 7)),
    *(f"dilation_neck.dilation_convs.{n}" for n in range(4)),
    *(f"decoder.dec{n}" for n in range(1, 8)),
]


def mmagic() -> dict[str, Tensor]:
    state = {"disc.global_disc.conv1.conv.weight": torch.rand(2), "disc.fc.bias": torch.rand(1)}
    for number, (place, width) in enumerate(zip(MMAGIC, WIDTHS, strict=True), 1):
        state[f"generator.{place}.conv.weight"] = weight(number)
        state |= statistics(f"generator.{place}.bn", width) if number < 17 else {}
    return state | {"generator.decoder.dec7.conv.bias": torch.randn(3) / 20}


def mmagic_forward(state: dict[str, Tensor], image: Tensor, hole: Tensor) -> Tensor:
    blue_green_red = image[:, [2, 1, 0]] * 2 - 1
    x = torch.cat([blue_green_red * (1 - hole), hole], 1)
    for number, place in enumerate(MMAGIC, 1):
        x = convolved(number, x, state[f"generator.{place}.conv.weight"], state.get(f"generator.{place}.conv.bias"))
        x = normed(state, f"generator.{place}.bn", x).relu() if number < 17 else x
    return (x.clamp(-1, 1)[:, [2, 1, 0]] + 1) / 2


@torch.no_grad()
@pytest.mark.parametrize(("make_file", "forward"), [(otenim, otenim_forward), (mmagic, mmagic_forward)])
def test_published_weights_predict_here_what_they_predict_there(models, make_file, forward):
    (layout,) = (one for one in models["glcic"].checkpoints if one.name == make_file.__name__)
    state = make_file()
    (match,) = compare(models["glcic"], layout, {layout.state_dict_key: state} if layout.state_dict_key else state)
    assert match.num_mismatches == 0
    match.method.generator.load_state_dict(match.state)
    image, hole = torch.rand(1, 3, 24, 32), torch.rand(1, 1, 24, 32).round()
    found, wanted = match.method.eval().predict(image * (1 - hole), hole), forward(state, image, hole)
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)
    assert (wanted - forward(state, image.flip(1), hole)).abs().mean() > 0.01  # the prediction depends on the input


def test_a_completion_network_without_its_mean_colour_is_refused(models):
    (layout,) = (one for one in models["glcic"].checkpoints if one.name == "otenim")
    state = otenim()
    del state["mpv"]
    assert compare(models["glcic"], layout, state)[0].missing == ["mpv (for mean)"]


def test_the_blended_form_reads_the_same_files(models):
    assert models["glcic:poisson"].checkpoints == models["glcic"].checkpoints
