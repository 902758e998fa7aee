"""The frozen record of a way of running cells, as a plugin hands it to the harness."""

from dataclasses import dataclass

from bench_core.specs import Reference


@dataclass(frozen=True)
class Executor:
    """A way of running the cells of a comparison."""

    name: str
    title: str
    run: Reference
    """A function ``(cells, **options)`` that yields every `bench_core.cell.Cell` once it is through, in any order, with
    its entry filled in. An entry that stays pending says that somebody else works on that cell."""
    options: tuple[str, ...] = ()
    """Which of the options about executors of `bench run` it takes."""
    here: bool = False
    """Whether cells run in this process."""
    needs: str = ""
    """A package that must be installed, and the extra of inpaint-bench that brings it."""
