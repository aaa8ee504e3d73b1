"""Tests, linters and benchmarks of Proving Ground."""
