"""Methods with weights that are given, and so are not trained."""

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
    """The variant as it is with the weights of a file, under the options that the file tells.

    Raises:
        BadInput: the file holds no weights of this method, or of another scale or number of channels.
    """
    facts = weights_of(variant.model, path)
    for key, wanted in (("scale", protocol.scale), ("channels", protocol.channels)):
        if facts[key] != wanted:
            raise BadInput(f"{path} holds weights of {key} {facts[key]}, but the protocol is of {key} {wanted}.")
    model = replace(variant.model, options=variant.model.options | facts.get("options", {}), recipe=None)
    name = f"{variant.name} ({path.stem})"
    return Variant(model, name, {}, name, path)


def weights_of(model: Model, path: Path) -> dict[str, Any]:
    """The facts in a file of weights.

    Raises:
        BadInput: it holds weights of another method, or none.
    """
    facts = weight_file.read_metadata(path)
    if facts.get("method") not in (model.name, model.shares_weights_with):
        raise BadInput(f"{path} holds weights of {facts.get('method')!r}, not of {model.name!r}.")
    options = facts.get("options", {})
    if not {"scale", "channels"} <= facts.keys() or not isinstance(options, dict) or options.keys() - model.options:
        raise BadInput(f"{path} does not tell how to build {model.name}; get it again, or make it anew.")
    return facts


def remark(variant: Variant) -> str:
    """What a reader of a table must know of given weights."""
    assert variant.weights is not None
    origin = weight_file.read_metadata(variant.weights).get("origin")
    published = f", published as {origin['title']} ({origin['source']})" if origin else ""
    digest = files.sha256(variant.weights)
    return (
        f"{variant.name} was not trained here; its weights are {variant.weights.name}{published}, sha256 {digest[:12]}."
    )
