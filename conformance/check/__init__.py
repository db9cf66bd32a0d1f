"""Run traces, shrink and explain what fails, name the result."""
