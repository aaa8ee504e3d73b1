"""What runs on a rig or a researcher's machine: HTTP only, no AWS library."""
