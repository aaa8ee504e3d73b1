"""The Lambda packages: our own code, and the layer of libraries."""
