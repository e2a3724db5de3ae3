"""What every peer in Python does the same: read what is asked, count the jobs, say how it went."""

import asyncio
import json
import os
import time

DATABASE_URL = os.environ["DATABASE_URL"]
JOBS = int(os.environ["JOBS"])
WORKERS = int(os.environ["WORKERS"])
SECONDS = float(os.environ["SECONDS"])
FASTEST = os.environ["MODE"] == "fastest"


class Tally:
    def __init__(self):
        self.done = [0] * JOBS
        self.total = 0
        self.began = None

    async def work(self, number):
        """The job: a millisecond in which nothing is done."""
        if self.began is None:
            self.began = time.perf_counter()
        await asyncio.sleep(0.001)
        self.done[number] += 1
        self.total += 1

    async def say(self, peer, version, acknowledged):
        """Waits until all are done, or for the time that a run may take; then, if all are done,
        until `acknowledged` says that the database knows. Prints how it went."""
        started = time.perf_counter()
        while self.total < JOBS and time.perf_counter() - started < SECONDS:
            await asyncio.sleep(0.002)
        known = await acknowledged()
        for _ in range(1000):
            if known >= JOBS or self.total < JOBS:
                break
            await asyncio.sleep(0.002)
            known = await acknowledged()
        seconds = time.perf_counter() - self.began
        assert max(self.done) <= 1, "jobs were done twice"
        assert known <= self.total, "more were acknowledged than done"
        print(
            json.dumps(
                {
                    "peer": peer,
                    "version": version,
                    "mode": "fastest" if FASTEST else "defaults",
                    "jobs": known,
                    "seconds": seconds,
                    "jobs_per_second": known / seconds,
                }
            ),
            flush=True,
        )
