"""Stand-ins for the programs of a CARLA leaderboard's pod: simulator, evaluator and agent.

They need no GPU and nothing but Python, speak to each other as the real ones do, and play back
what real runs recorded. What they show about the platform is real; what they show about an agent
is not.
"""
