"""Drive the virtio-mem device of a real QEMU from outside, without a guest."""
