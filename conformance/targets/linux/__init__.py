"""A real Linux guest as a driver under test, in a QEMU by software emulation."""
