"""A stand-in for EvalAI: real HTTP, EvalAI's rules for hosts and participants, faults on demand.

It is not EvalAI: it knows the calls that a challenge's backend makes, and routes under
`/stand-in/` by which tests and demonstrations play the participants and look at what it was told.
"""
