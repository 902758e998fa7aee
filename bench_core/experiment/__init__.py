"""Experiments: every variant and seed is a cell, which is trained, evaluated and stored."""
