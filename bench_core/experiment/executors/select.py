"""The executor that a user asks for."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from bench_core.errors import BadInput, unknown
from bench_core.experiment.options import RunOptions
from bench_core.specs import Executor


def select_executor(executors: Mapping[str, Executor], options: RunOptions) -> tuple[Executor, dict[str, Any]]:
    """Return the executor by its name, and those of its options that are given.

    Raises:
        BadInput: it is unknown or not installed, an option is given that it does not take, or cells that several
            devices share are to run elsewhere.
    """
    name = options.executor
    if name not in executors:
        raise unknown("executor", name, executors)
    executor = executors[name]
    if executor.needs and find_spec(executor.needs) is None:
        raise BadInput(f"--executor {name} needs `pip install inpaint-bench[{executor.needs}]`.")
    every = sorted({option for each in executors.values() for option in each.options})
    given = {option: getattr(options, option) for option in every if getattr(options, option, None) is not None}
    for option in given:
        if option not in executor.options:
            takers = " or ".join(each.name for each in executors.values() if option in each.options)
            raise BadInput(
                f"--{option.replace('_', '-')} does nothing under --executor {name}; give --executor {takers}."
            )
    if options.devices * options.nodes > 1 and not executor.in_process:
        raise BadInput(f"--devices and --nodes share out one cell at a time: give --executor here, not {name}.")
    return executor, given
