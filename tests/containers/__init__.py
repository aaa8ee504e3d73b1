"""`make test-containers`: what only a container can prove."""
