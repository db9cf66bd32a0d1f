"""VIRTIO's device normative statements for the memory device, as rules over what can be seen."""
