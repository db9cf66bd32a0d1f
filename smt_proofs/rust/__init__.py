"""Rust proven equal to the rules: the range check, PLUG and UNPLUG of Firecracker's device."""
