"""The functions on AWS: each unpacks its event, calls glue, and answers."""
