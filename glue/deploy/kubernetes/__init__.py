"""What lives inside a cluster: rendered, applied and remembered."""
