"""Which executor a user asks for, and whether it can be had."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from bench_core.errors import BadInput, unknown
from bench_core.specs import Executor


def choose_executor(executors: Mapping[str, Executor], options: Mapping[str, Any]) -> tuple[Executor, dict[str, Any]]:
    """The executor and those of its options that are given.

    Raises:
        BadInput: it is unknown or not installed, or an option is given that it does not take.
    """
    name = options["executor"]
    if name not in executors:
        raise unknown("executor", name, executors)
    chosen = executors[name]
    if chosen.needs and find_spec(chosen.needs) is None:
        raise BadInput(f"--executor {name} needs `pip install inpaint-bench[{chosen.needs}]`.")
    every = {option for each in executors.values() for option in each.options}
    given = {option: options[option] for option in sorted(every) if options.get(option) is not None}
    for option in given:
        if option not in chosen.options:
            takers = " or ".join(each.name for each in executors.values() if option in each.options)
            raise BadInput(
                f"--{option.replace('_', '-')} does nothing under --executor {name}; give --executor {takers}."
            )
    return chosen, given
