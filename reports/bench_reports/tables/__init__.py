"""Tables built from stored rows."""
