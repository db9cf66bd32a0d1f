"""Rules evaluated on solver terms."""
