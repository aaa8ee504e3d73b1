"""A rehearsal: staging and prod played through on this machine, by the usual verbs."""
