"""A virtio-mem driver over any bus: PCI and MMIO, virtqueues, requests, memory."""
