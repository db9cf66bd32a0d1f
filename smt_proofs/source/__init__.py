"""The C source against the model: functions of virtio-mem.c proven equal to the rules."""
