"""Runs the command `bench` as ``python -m bench_core``."""

from bench_core.cli import main

main(prog_name="bench")
