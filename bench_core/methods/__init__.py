"""Methods: what plugins implement and how the harness selects, loads and runs them."""
