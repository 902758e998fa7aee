"""Records of the options that commands take. Nothing here imports torch."""

from dataclasses import dataclass, fields
from pathlib import Path

from bench_core.methods.variants import Overrides
from bench_core.specs import Precision


@dataclass(frozen=True, kw_only=True)
class ProtocolOptions:
    """A protocol, its images, and the fields of it that a user overrides; None keeps the protocol's own value."""

    protocol: str = "quick"
    """A named protocol or a TOML file."""
    data: Path | None = None
    """Folder of the image set."""
    skip_bad_images: bool = False
    float_metrics: bool = False
    """Measure the method's floats instead of the 8 bits that a PNG holds."""
    image_set: str | None = None
    size: int | None = None
    train_masks: tuple[str, ...] | None = None
    test_masks: tuple[str, ...] | None = None
    test_images: int | None = None
    metrics: tuple[str, ...] | None = None
    scale: str | None = None
    steps: int | None = None
    batch: int | None = None
    seeds: tuple[int, ...] | None = None
    backbone: str | None = None


@dataclass(frozen=True)
class RuntimeConfig:
    """Settings of the machine that runs the cells.

    Only `precision`, `compiled` and `bf16_backbones` may change results, and for networks with batch norm the settings
    that decide how many images it sees together.
    """

    device: str = "auto"
    precision: Precision = "32-true"
    eval_batch: int = 8
    """Images that are predicted between two measurements."""
    predict_batch: int | None = None
    """Images that are predicted at once; None takes `eval_batch` on a GPU, and 1 elsewhere."""
    workers: int | None = None
    """Processes that load images; 0 loads in this process, and None uses more on a GPU."""
    compiled: bool = False
    """Compile generators with torch.compile, which rounds differently."""
    bf16_backbones: bool = False
    """Compute the backbones of training losses in bfloat16."""
    devices: int = 1
    """Devices on each node. All of them work on one cell at a time."""
    nodes: int = 1
    micro_batch: int | None = None
    """Images at a time on one device during training; None takes a device's whole share of the batch."""
    auto_micro_batch: bool = False
    """Halve the micro-batch on out-of-memory errors."""
    sync_batchnorm: bool = False
    """Let batch norm see the images of all devices during training."""
    save_images: int | None = 4
    """Pairs of each mask set whose images are saved; None saves all."""

    @property
    def arithmetic(self) -> str:
        """Name of the rounding, such as ``bf16-mixed, compiled``. It is part of a cell's key."""
        added = {"bf16 backbones": self.bf16_backbones, "compiled": self.compiled}
        return ", ".join([self.precision, *(word for word, is_used in added.items() if is_used)])

    def images_together(self, batch: int) -> int | str:
        """Return the number of images in one forward pass of training; "auto" if memory decides."""
        num_devices = self.devices * self.nodes
        on_device = -(-batch // num_devices)
        together = min(self.micro_batch or on_device, on_device)
        if self.auto_micro_batch:
            return "auto"
        return min(together * num_devices, batch) if self.sync_batchnorm else together


@dataclass(frozen=True, kw_only=True)
class RunOptions(ProtocolOptions, RuntimeConfig):
    """Options of `bench run`, with its defaults."""

    plugins: tuple[str, ...] | None = None
    """Requests such as ``NAME:FORM+TERM=WEIGHT``; None asks for every installed method."""
    out: Path = Path("results")
    """The store."""
    weights: tuple[tuple[str, str], ...] = ()
    """Pairs of method and weight file: these methods are not trained."""
    baselines: bool = True
    strict_plugins: bool = False
    image_cache: float = 8.0
    """GiB of decoded images on disk; 0 disables the cache."""
    added: tuple[tuple[str, float], ...] = ()
    """Loss terms with weights, added to every recipe."""
    dropped: tuple[str, ...] = ()
    """Loss terms removed from every recipe."""
    options: tuple[tuple[str, str], ...] = ()
    """Pairs of OWNER.OPTION and value."""
    trackers: tuple[str, ...] = ()
    executor: str = "here"
    jobs: int | None = None
    time_limit: float | None = None
    address: str | None = None
    cell_gpus: float | None = None
    cell_cpus: float | None = None

    @property
    def overrides(self) -> Overrides:
        return Overrides(dict(self.added), self.dropped, dict(self.options))

    @property
    def runtime(self) -> RuntimeConfig:
        return RuntimeConfig(**{field.name: getattr(self, field.name) for field in fields(RuntimeConfig)})
