"""From assertions to a verdict."""
