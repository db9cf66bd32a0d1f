"""Every transition keeps every invariant and obeys every contract."""
