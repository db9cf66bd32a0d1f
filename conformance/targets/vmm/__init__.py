"""Virtual machine monitors as targets, with the bare guest running in them."""
