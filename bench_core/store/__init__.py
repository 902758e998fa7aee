"""Results on disk. Reading them needs no torch."""
