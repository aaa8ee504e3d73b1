"""Deployment checks: what is deployed against what is meant, one file per subject."""
