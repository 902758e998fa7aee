"""Copies of sources that tests edit."""

from support.cell_setup import core, packages

__all__ = ["core", "packages"]
