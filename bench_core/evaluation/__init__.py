"""Evaluation of one method on one mask set."""
