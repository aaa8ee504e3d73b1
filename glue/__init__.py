"""Proving Ground: the Python side of the platform."""
