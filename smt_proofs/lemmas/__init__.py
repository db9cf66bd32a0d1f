"""Facts, and inductions, that the theorems rest on."""
