"""``python -m bench_core`` is the command ``bench``."""

from bench_core.cli import main

main(prog_name="bench")
