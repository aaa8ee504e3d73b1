"""`make bench`: figures of the platform, beside a peer of the same run where there is one."""
