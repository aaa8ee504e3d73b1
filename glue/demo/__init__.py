"""`make demo`: real work through the platform on this machine, checked as it goes."""
