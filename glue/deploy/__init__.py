"""What operators run: packages, plans, their summaries, apply and destroy."""
