"""Theorems about how many memslots there are, and of which size."""
