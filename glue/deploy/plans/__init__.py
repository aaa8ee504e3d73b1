"""Plans: made, summed up, sealed, refused or applied."""
