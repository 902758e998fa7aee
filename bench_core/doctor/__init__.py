"""Checks of an installation, a machine and a store."""
