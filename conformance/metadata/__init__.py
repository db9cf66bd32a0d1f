"""The metadata that KVM keeps for the memslots of a virtual machine, static against dynamic."""
