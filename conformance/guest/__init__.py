"""The bare guest: a program of ours that runs in a virtual machine and carries out bus accesses."""
