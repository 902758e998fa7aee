"""Benchmark cases, one module for each part of a report."""
