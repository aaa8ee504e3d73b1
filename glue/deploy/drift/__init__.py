"""Drift: what differs from the state, how grave it is, and what no state knows."""
