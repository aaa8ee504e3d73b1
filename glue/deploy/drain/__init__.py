"""Draining: what must stop, be emptied or be unprotected before Terraform can destroy it."""
