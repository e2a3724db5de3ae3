"""awa from Python: the same engine as the Rust crate's, handlers in Python. `fastest`: as many jobs
at once as asked for, no deadline a job (which lets it claim by receipts), two claimers."""

import asyncio
import os
from dataclasses import dataclass
from importlib.metadata import version

import awa
import psycopg

from tally import DATABASE_URL, FASTEST, JOBS, WORKERS, Tally

QUEUE = "bench"
ADDED_AT_ONCE = 1000
DEFAULT_WORKERS = 50

tally = Tally()


@dataclass
class Millisecond:
    number: int


async def main():
    client = awa.AsyncClient(DATABASE_URL, max_connections=20)
    await client.migrate()
    for first in range(0, JOBS, ADDED_AT_ONCE):
        numbers = range(first, min(first + ADDED_AT_ONCE, JOBS))
        await client.insert_many_copy([Millisecond(number) for number in numbers], queue=QUEUE)

    @client.task(Millisecond, queue=QUEUE)
    async def millisecond(job):
        await tally.work(job.args.number)

    if FASTEST:
        queue = {
            "name": QUEUE,
            "max_workers": WORKERS,
            "deadline_duration_ms": 0,
            "claimers": 2,
        }
        await client.start([queue], poll_interval_ms=50)
    else:
        await client.start([(QUEUE, DEFAULT_WORKERS)])
    async with await psycopg.AsyncConnection.connect(DATABASE_URL, autocommit=True) as database:

        async def acknowledged():
            counted = await database.execute(
                "SELECT count(*) FROM awa.jobs WHERE state = 'completed'"
            )
            return (await counted.fetchone())[0]

        await tally.say("awa-python", version("awa-pg"), acknowledged)
    # What is left when time is up needs no orderly end.
    os._exit(0)


asyncio.run(main())
