"""An account's ground: the bucket of Terraform's states, and CI's roles."""
