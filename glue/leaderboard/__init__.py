"""Leaderboards: submissions of a challenge run on GPUs, and their results reach EvalAI."""
