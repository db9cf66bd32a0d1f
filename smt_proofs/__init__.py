"""Theorems over the rules of `model`, decided by an SMT solver."""
