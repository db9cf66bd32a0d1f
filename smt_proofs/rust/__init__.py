"""Rust proven equal to the rules: the requests of Firecracker's device."""
