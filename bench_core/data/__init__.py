"""Pairs of image and hole for training and evaluation, and the caches that make a second run start fast."""
