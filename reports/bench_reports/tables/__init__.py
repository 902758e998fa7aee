"""Tables made from stored rows."""
