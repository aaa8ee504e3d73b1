"""What would make a plan or an apply fail, found before either is begun: one file per subject."""
