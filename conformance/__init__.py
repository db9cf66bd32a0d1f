"""Checks devices against the model: traces, generators, targets, runner, command line."""
