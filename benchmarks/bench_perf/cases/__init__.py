"""Benchmark cases, one file for each part of a report."""
