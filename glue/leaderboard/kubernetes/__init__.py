"""Kubernetes as far as a submission needs it: one Job, its pods, and what has become of them."""
