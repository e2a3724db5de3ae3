// graphile-worker. `fastest` is its documentation's page on performance: a local queue that takes
// 500 jobs at once, completions in batches without waiting for more, no prepared statements to give
// up, as many jobs at once as asked for.

import { readFileSync } from "node:fs";
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { asked, sayHowItWent, work } from "./tally.mjs";

const TASK = "millisecond";
const ADDED_AT_ONCE = 1000;

const version = JSON.parse(
  readFileSync("node_modules/graphile-worker/package.json", "utf8"),
).version;
const logger = new Logger(() => () => {});
const connectionString = asked.databaseUrl;

const utils = await makeWorkerUtils({ connectionString, logger });
await utils.migrate();
for (let first = 0; first < asked.jobs; first += ADDED_AT_ONCE) {
  const count = Math.min(ADDED_AT_ONCE, asked.jobs - first);
  await utils.addJobs(
    Array.from({ length: count }, (_, place) => ({
      identifier: TASK,
      payload: { number: first + place },
    })),
  );
}
await utils.release();

const worker = asked.fastest
  ? {
      concurrentJobs: asked.workers,
      maxPoolSize: 20,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    }
  : {};
const runner = await run({
  preset: { worker: { connectionString, logger, ...worker } },
  noHandleSignals: true,
  taskList: { [TASK]: ({ number }) => work(number) },
});
// A job that is done is deleted.
const database = new pg.Client({ connectionString });
await database.connect();
await sayHowItWent("graphile-worker", version, async () => {
  const left = await database.query(
    "SELECT count(*)::int AS count FROM graphile_worker._private_jobs",
  );
  return asked.jobs - left.rows[0].count;
});
await database.end();
await runner.stop();
process.exit(0);
