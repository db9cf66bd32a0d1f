"""Proofs checked without a solver."""
