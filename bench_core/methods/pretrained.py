"""Methods with weights from a file, which are not trained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from bench_core.errors import BadInput
from bench_core.methods.variants import Variant
from bench_core.protocol import Protocol
from bench_core.specs import Model
from bench_core.system import files
from bench_core.weights import weight_file


def with_weights(variant: Variant, path: Path, protocol: Protocol) -> Variant:
    """Return the variant with the weights of a file, and with the options that the file was trained with.

    Raises:
        BadInput: The file holds weights of another method, scale or number of channels, or no weights.
    """
    facts = read_facts(variant.model, path)
    for key, wanted in (("scale", protocol.scale), ("channels", protocol.channels)):
        if facts[key] != wanted:
            raise BadInput(f"{path} holds weights of {key} {facts[key]}, but the protocol has {key} {wanted}.")
    model = replace(variant.model, options=variant.model.options | facts.get("options", {}), recipe=None)
    # files of one name may hold different weights
    name = f"{variant.name} ({path.stem} {files.sha256(path)[:8]})"
    return Variant(model, name, {}, name, path)


def read_facts(model: Model, path: Path) -> dict[str, Any]:
    """Read the facts that a weight file records: "method", "scale", "channels", and often "options" and "origin".

    Raises:
        BadInput: The file holds weights of another method, or no weights.
    """
    facts = weight_file.read_metadata(path, model.name)
    if facts.get("method") not in (model.name, model.shares_weights_with):
        raise BadInput(f"{path} holds weights of {facts.get('method')!r}, not of {model.name!r}.")
    options = facts.get("options", {})
    if isinstance(options, dict) and (unknown := options.keys() - model.options):
        raise BadInput(
            f"{path} was made by another version of {model.name}: the installed one has no option "
            f"{', '.join(sorted(unknown))}. Use that version, or train it again."
        )
    if not {"scale", "channels"} <= facts.keys() or not isinstance(options, dict):
        raise BadInput(f"{path} does not say how to build {model.name}; download or train it again.")
    return facts
