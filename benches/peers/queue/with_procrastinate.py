"""procrastinate. `fastest`: as many jobs at once as asked for, with a connection for each of up to
20; it takes one job at a time, and has no setting for more."""

import asyncio
import os
from importlib.metadata import version

import procrastinate
import psycopg

from tally import DATABASE_URL, FASTEST, JOBS, WORKERS, Tally

ADDED_AT_ONCE = 1000

tally = Tally()
pool = {"max_size": 20} if FASTEST else {}
connector = procrastinate.PsycopgConnector(conninfo=DATABASE_URL, **pool)
app = procrastinate.App(connector=connector)


@app.task(queue="bench")
async def millisecond(number):
    await tally.work(number)


async def main():
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for first in range(0, JOBS, ADDED_AT_ONCE):
            numbers = range(first, min(first + ADDED_AT_ONCE, JOBS))
            await millisecond.batch_defer_async(*({"number": number} for number in numbers))
        options = {"concurrency": WORKERS} if FASTEST else {}
        worker = asyncio.create_task(
            app.run_worker_async(queues=["bench"], install_signal_handlers=False, **options)
        )
        async with await psycopg.AsyncConnection.connect(DATABASE_URL, autocommit=True) as database:

            async def acknowledged():
                counted = await database.execute(
                    "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"
                )
                return (await counted.fetchone())[0]

            await tally.say("procrastinate", version("procrastinate"), acknowledged)
        worker.cancel()
        # What is left when time is up needs no orderly end.
        os._exit(0)


asyncio.run(main())
