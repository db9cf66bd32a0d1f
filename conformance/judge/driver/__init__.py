"""VIRTIO's driver normative statements for the memory device, as rules over what is seen."""
