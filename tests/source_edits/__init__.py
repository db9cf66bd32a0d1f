"""Edits to virtio-mem.c, each with what it does to the device: changes it, or does not."""
