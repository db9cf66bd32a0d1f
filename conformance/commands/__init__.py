"""The commands of `slotproof`, one module each."""
