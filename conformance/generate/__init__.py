"""Traces, made at the boundaries."""
