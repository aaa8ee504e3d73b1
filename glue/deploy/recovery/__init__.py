"""After a killed apply: finding what it made, and taking it into the state."""
