"""One step of a submission."""
