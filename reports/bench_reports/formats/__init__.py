"""Output formats of tables."""
