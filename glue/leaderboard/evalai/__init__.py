"""EvalAI: the messages it sends, the calls it takes, and how many of them it allows."""
