"""Devices, processes, threads, signals and files."""
