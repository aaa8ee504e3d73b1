from tests.unit.leaderboard.evalai.conftest import stage

__all__ = ["stage"]
