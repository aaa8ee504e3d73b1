"""A simulated Redshift Serverless: its control plane only. No SQL runs here."""
