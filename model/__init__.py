"""What a virtio-mem device with several memslots is: pure rules, no solver, no input or output."""
