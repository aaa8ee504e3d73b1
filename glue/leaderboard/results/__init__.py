"""What an evaluator wrote about a submission: whether it may be trusted, and what it says.

All of it is pure: text goes in, a verdict comes out. Nothing here touches AWS or EvalAI.
"""
