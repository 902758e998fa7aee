"""Runs `bench` in this process."""

from click.testing import CliRunner, Result

from bench_core.cli import main


def call(*words: str, code: int = 0) -> Result:
    """Run a command and check its exit code. Unexpected exceptions are raised."""
    result = CliRunner().invoke(main, list(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result
