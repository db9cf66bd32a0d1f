"""The file format of traces, and its schema."""
