"""The log of a real run, checked against the model."""
