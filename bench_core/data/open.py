"""The ground on which methods compete: the rules and the images, as a user's options have them."""

from collections.abc import Mapping
from typing import Any

from bench_core.data.pixel_cache import PixelCache
from bench_core.data.validate import ValidatedImages, validate_images
from bench_core.errors import BadInput, unknown
from bench_core.metrics import select_metrics
from bench_core.metrics.select import on_floats
from bench_core.plugins import Plugins
from bench_core.protocol import Protocol, load
from bench_core.specs import resolve


def open_protocol(name: str, plugins: Plugins, options: Mapping[str, Any]) -> Protocol:
    """The protocol of this name or file, with the fields that the options change.

    Raises:
        BadInput: there is none such, or it is not valid with the options.
    """
    changes = {key: options[key] for key in Protocol.model_fields if options.get(key) is not None}
    protocol = load(name, plugins.records("protocols").values())
    if options["data"] and not options["image_set"] and protocol.image_set == "photos":
        changes["image_set"] = "folder"
    if options["float_metrics"]:
        asked = select_metrics(options["metrics"] or protocol.metrics, plugins.records("metrics"))
        changes["metrics"] = tuple(on_floats(metric).definition for metric in asked)
    return protocol.override(changes)


def open_images(
    plugins: Plugins, protocol: Protocol, num_images: int, options: Mapping[str, Any], shelf: PixelCache | None = None
) -> ValidatedImages:
    """The protocol's images; those that test, and those that the first `num_images` of a training take, are decoded.

    `shelf` keeps them decoded.

    Raises:
        BadInput: the image set is unknown, lacks its folder, or holds images that cannot be decoded.
    """
    sets = plugins.records("image_sets")
    if protocol.image_set not in sets:
        raise unknown("image set", protocol.image_set, sets)
    chosen = sets[protocol.image_set]
    if chosen.needs_folder and options["data"] is None:
        raise BadInput(f"The image set {chosen.name!r} needs --data FOLDER. {chosen.source}")
    train, test = (resolve(chosen.open)(options["data"], split) for split in ("train", "test"))
    return validate_images(
        train, test, protocol, num_images, options["skip_bad_images"], shelf, options.get("workers", 0)
    )
