"""Published layouts: random weights in each layout give here the predictions of the layout's own code.

Both official generators are written out from their tables, with their names and order of channels. So these tests fail
when a connection moves, too.
"""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, elu, interpolate, pad

import bench_gmcnn
from bench_core.errors import BadInput
from bench_core.methods.convert_weights import compare, import_weights
from bench_core.specs import resolve
from bench_gmcnn.model import Generator
from bench_gmcnn.wiring import WIRINGS

LAYOUTS = {layout.name: layout for layout in bench_gmcnn.GMCNN.checkpoints}
Shapes = dict[str, tuple[int, ...]]

ENCODER = [(1, 1, 1), (2, 2, 1), (2, 1, 1), (4, 2, 1), (4, 1, 1), (4, 1, 1)]
ENCODER += [(4, 1, 2), (4, 1, 4), (4, 1, 8), (4, 1, 16), (4, 1, 1), (4, 1, 1)]
"""Width, stride and dilation of the first twelve layers of every column."""
NEAREST, BILINEAR = "nearest", "bilinear"
TF_NAMES = "conv1 conv2_downsample conv3 conv4_downsample conv5 conv6 conv7_atrous conv8_atrous conv9_atrous "
TF_NAMES += "conv10_atrous conv11 conv12"


def pytorch_columns(c: int) -> list[list]:
    """Return layers (name, kernel size, width, stride, dilation), and resizes (kind, factor)."""
    columns = []
    tails = (
        (7, [(BILINEAR, 4)]),
        (5, [(NEAREST, 2), (13, 2), (14, 2), (BILINEAR, 2)]),
        (3, [(NEAREST, 2), (13, 2), (14, 2), (NEAREST, 2), (16, 1), (17, 1)]),
    )
    for number, (kernel_size, tail) in enumerate(tails, start=1):
        layers: list = [(f"EB{number}.{i}", kernel_size, w * c, s, d) for i, (w, s, d) in enumerate(ENCODER)]
        columns.append(
            [
                *layers,
                *(
                    one if isinstance(one[0], str) else (f"EB{number}.{one[0]}", kernel_size, one[1] * c, 1, 1)
                    for one in tail
                ),
            ]
        )
    return columns


def tf_columns(c: int) -> list[list]:
    columns = []
    tails = (
        (7, [(BILINEAR, 4)]),
        (5, [(NEAREST, 2), ("conv13_upsample/{}conv13_upsample_conv", 3, 2 * c), ("conv14", 5, 2 * c), (BILINEAR, 2)]),
        (
            3,
            [
                *((NEAREST, 2), ("conv13_upsample/{}conv13_upsample_conv", 3, 2 * c), ("conv14", 3, 2 * c)),
                *((NEAREST, 2), ("conv15_upsample/{}conv15_upsample_conv", 3, c), ("conv16", 3, c // 2)),
            ],
        ),
    )
    for number, (kernel_size, tail) in enumerate(tails, start=1):
        b = f"b{number}"
        names = [f"inpaint_net/{b}{name}" for name in TF_NAMES.split()]
        layers: list = [(name, kernel_size, w * c, s, d) for name, (w, s, d) in zip(names, ENCODER, strict=True)]
        if number == 3:
            layers[0] = (names[0], 5, c, 1, 1)
        columns.append(
            [
                *layers,
                *(one if len(one) == 2 else (f"inpaint_net/{b}{one[0].format(b)}", *one[1:], 1, 1) for one in tail),
            ]
        )
    return columns


COLUMNS = {"pytorch": pytorch_columns, "tf": tf_columns}
DECODER = {
    "pytorch": ("decoding_layers.0", "decoding_layers.1"),
    "tf": ("inpaint_net/mergeconv17", "inpaint_net/mergeconv18"),
}


def file_shapes(layout: str, c: int) -> Shapes:
    """Return the name and shape of every tensor of a generator whose first layers have c channels."""
    shapes: Shapes = {}

    def add(name: str, before: int, after: int, side: int) -> None:
        if layout == "tf":
            shapes.update({f"{name}/kernel": (side, side, before, after), f"{name}/bias": (after,)})
        else:
            shapes.update({f"{name}.weight": (after, before, side, side), f"{name}.bias": (after,)})

    merged = 0
    for layers in COLUMNS[layout](c):
        width = 5 if layout == "tf" else 4
        for layer in layers:
            if len(layer) > 2:
                add(layer[0], width, layer[2], layer[1])
                width = layer[2]
        merged += width
    first, second = DECODER[layout]
    add(first, merged, c // 2, 3)
    add(second, c // 2, 3, 3)
    return shapes


def official_prediction(layout: str, state: dict[str, Tensor], masked: Tensor, hole: Tensor, c: int) -> Tensor:
    """Return predictions in [0, 1] for RGB images in [0, 1]."""
    order = [2, 1, 0] if layout == "tf" else [0, 1, 2]
    incomplete = (2 * masked[:, order] - 1) * (1 - hole)
    planes = [torch.ones_like(hole), hole] if layout == "tf" else [hole]

    def conv(x: Tensor, name: str, side: int, stride: int = 1, dilation: int = 1) -> Tensor:
        if layout == "tf":
            weight, bias = torch.einsum("hwio->oihw", state[f"{name}/kernel"]), state[f"{name}/bias"]
            around = dilation * (side - 1) - (stride == 2)
            x = pad(x, [around // 2, around - around // 2] * 2)
        else:
            weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
            x = pad(x, [dilation * (side // 2)] * 4, "reflect")
        return conv2d(x, weight, bias, stride, 0, dilation)

    features = []
    for layers in COLUMNS[layout](c):
        x = torch.cat([incomplete, *planes], dim=1)
        for layer in layers:
            if layer[0] == NEAREST:
                x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
            elif layer[0] == BILINEAR:
                x = interpolate(x, scale_factor=layer[1], mode="bilinear", align_corners=True)
            else:
                name, side, _, stride, dilation = layer
                x = elu(conv(x, name, side, stride, dilation))
        features.append(x)
    first, second = DECODER[layout]
    x = conv(elu(conv(torch.cat(features, dim=1), first, 3)), second, 3).clip(-1, 1)
    return ((x + 1) / 2)[:, order]


def further(layout: str) -> list[str]:
    """List further tensors of the released files, which are not needed."""
    if layout == "pytorch":
        return []
    critics = [f"discriminator/disc_{part}/conv{i}" for part in ("local", "global") for i in range(1, 7)]
    critics += [f"discriminator/discriminator_local/conv{i}" for i in range(1, 6)]
    critics += ["discriminator/dout_local_fc", "discriminator/dout_global_fc"]
    names = [f"{critic}/{kind}" for critic in critics for kind in ("kernel", "bias", "kernel/Adam")]
    names += ["inpaint_net/b1conv1/kernel/Adam", "inpaint_net/b1conv1/kernel/Adam_1", "beta1_power", "beta2_power_1"]
    return [*names, "global_step", "lr", "Variable", "fmask/free_mask"]


@pytest.mark.parametrize("layout", LAYOUTS)
@torch.no_grad()
def test_converted_weights_predict_what_their_own_code_predicts(layout: str, scrambled) -> None:
    checkpoint, c = LAYOUTS[layout], 4
    file = {name: torch.randn(shape).double() for name, shape in file_shapes(layout, c).items()}
    for name, tensor in file.items():
        scale = 0.1 if tensor.ndim == 1 else 1.2 * (max(tensor.shape[-1], tensor.shape[0]) / tensor.numel()) ** 0.5
        tensor *= scale * (0.4 if name.startswith(DECODER[layout][1]) else 1)  # so that few pixels clip
    method = scrambled(layout)
    method.generator = Generator(c, 3, WIRINGS[layout]).double()
    mappings = {name: resolve(checkpoint.translate)(name) for name in method.generator.state_dict()}
    method.generator.load_state_dict({n: m.combine(*(file[one] for one in m.names)) for n, m in mappings.items()})
    size = (200, 196) if layout == "pytorch" else (72, 64)
    hole = (torch.rand(1, 1, *size) < 0.02).double()
    hole[:, :, 8:40, 16:48] = 1
    masked = torch.rand(1, 3, *size).double() * (1 - hole)
    found = method.predict(masked, hole)
    torch.testing.assert_close(found, official_prediction(layout, file, masked, hole, c), rtol=0, atol=1e-9)
    assert found.std() > 0.02 and ((found > 0) & (found < 1)).double().mean() > 0.5


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_tensor_of_a_published_file_is_used_or_dropped(layout: str) -> None:
    with torch.device("meta"):
        file = {name: torch.empty(shape) for name, shape in file_shapes(layout, 32).items()}
        rest = {name: torch.empty(1) for name in further(layout)}
        (match,) = compare(bench_gmcnn.GMCNN, LAYOUTS[layout], file | rest)
    assert (match.missing, match.unexpected, match.wrong_shape) == ([], [], [])
    assert match.used == set(file) and len(file) == 88
    assert sum(tensor.numel() for tensor in file.values()) == {"pytorch": 12_561_891, "tf": 12_429_107}[layout]
    assert match.dropped.keys() == rest.keys()
    assert set(match.dropped.values()) == set(LAYOUTS[layout].dropped.values())


def test_the_files_have_the_published_names() -> None:
    theirs, tf = file_shapes("pytorch", 32), file_shapes("tf", 32)
    assert theirs["EB1.9.weight"] == (128, 128, 7, 7) and theirs["EB2.14.weight"] == (64, 64, 5, 5)
    assert theirs["EB3.17.weight"] == (32, 32, 3, 3) and theirs["decoding_layers.1.bias"] == (3,)
    assert not {"EB1.12.weight", "EB2.12.weight", "EB2.15.weight", "EB3.12.weight", "EB3.15.weight"} & theirs.keys()
    assert tf["inpaint_net/b3conv1/kernel"] == (5, 5, 5, 32)
    assert tf["inpaint_net/b2conv13_upsample/b2conv13_upsample_conv/kernel"] == (3, 3, 128, 64)
    assert tf["inpaint_net/mergeconv17/kernel"] == (3, 3, 208, 16)


@pytest.mark.parametrize("wrapped", [False, True])
def test_bench_weights_import_converts_a_released_file(wrapped: bool, tmp_path) -> None:
    state = {name: torch.full(shape, float(i)) for i, (name, shape) in enumerate(file_shapes("pytorch", 32).items())}
    torch.save({f"module.{name}": one for name, one in state.items()} if wrapped else state, tmp_path / "G.pth")
    converted = import_weights("gmcnn", [tmp_path / "G.pth"], tmp_path / "out.safetensors", None, None, False)
    assert converted.facts["origin"]["layout"] == "pytorch"
    assert converted.match.state["columns.2.conv15.weight"].eq(float(list(state).index("EB3.16.weight"))).all()
    assert converted.path.stat().st_size > 4 * 12_561_891


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_wrong_file_does_not_match(layout: str, tmp_path) -> None:
    kernel = "/kernel" if layout == "tf" else ".weight"
    shapes = file_shapes(layout, 32)
    absent, small = (name for name in list(shapes)[:4] if name.endswith(kernel))
    with torch.device("meta"):
        file = {name: torch.empty(shape) for name, shape in shapes.items() if name != absent}
        file[small] = torch.empty(1, 1, 1, 1)
        (match,) = compare(bench_gmcnn.GMCNN, LAYOUTS[layout], file)
    assert match.missing == [f"{absent} (for columns.0.conv1.weight)"]
    assert [one.partition(" ")[0] for one in match.wrong_shape] == [small]


def test_another_networks_file_is_refused_with_the_first_mismatches(tmp_path) -> None:
    torch.save({"EB4.0.weight": torch.zeros(1)}, tmp_path / "G.pth")
    with pytest.raises(BadInput, match=r"(?s)88 missing: EB1\.0\.weight.*1 not expected: EB4\.0\.weight"):
        import_weights("gmcnn", [tmp_path / "G.pth"], tmp_path / "out.safetensors", "pytorch", None, False)
    assert not (tmp_path / "out.safetensors").exists()
