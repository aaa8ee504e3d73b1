"""Worlds in which all is well, one per subject, and every way in which it is not."""
