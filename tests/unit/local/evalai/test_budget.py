"""The budget of calls in the emulator's DynamoDB, as functions side by side use it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from glue.leaderboard.evalai.budget import TableBudget
from glue.leaderboard.evalai.errors import EvalAIBusy

if TYPE_CHECKING:
    from glue.leaderboard.evalai.budget import Share
    from glue.local.clients import LocalSession

TABLE, WORKERS = "evalai-budget", 12


def test_functions_side_by_side_never_take_more(session: LocalSession) -> None:
    client = session.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    now = time.time()  # one moment for all, however long the machine takes

    def work(share: Share) -> int:
        budget = TableBudget(client, TABLE, clock=lambda: now)
        taken = 0
        try:
            while True:
                budget.take(share)
                taken += 1
        except EvalAIBusy:
            return taken

    shares: list[Share] = ["interim", "read"] * (WORKERS // 2)
    with ThreadPoolExecutor(WORKERS) as pool:
        assert sum(pool.map(work, shares)) == 45
        assert sum(pool.map(work, ["final"] * WORKERS)) == 15
