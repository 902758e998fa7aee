"""Paired statistics of methods. No torch here."""
