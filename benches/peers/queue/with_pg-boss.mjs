// pg-boss. `fastest`: four workers with batches of 250 jobs each, which are fetched again at once as
// long as they come back full.

import { readFileSync } from "node:fs";
import { PgBoss } from "pg-boss";
import pg from "pg";
import { asked, sayHowItWent, work } from "./tally.mjs";

const QUEUE = "bench";
const ADDED_AT_ONCE = 1000;
// Larger than the number of workers: what is fetched together is waited for together, so this is
// what makes it fast.
const BATCH = 250;

const version = JSON.parse(readFileSync("node_modules/pg-boss/package.json", "utf8")).version;
const connectionString = asked.databaseUrl;

const boss = new PgBoss(asked.fastest ? { connectionString, max: 20 } : { connectionString });
boss.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
await boss.start();
await boss.createQueue(QUEUE);
for (let first = 0; first < asked.jobs; first += ADDED_AT_ONCE) {
  const count = Math.min(ADDED_AT_ONCE, asked.jobs - first);
  const jobs = Array.from({ length: count }, (_, place) => ({ data: { number: first + place } }));
  await boss.insert(QUEUE, jobs);
}

const options = asked.fastest
  ? {
      localConcurrency: 4,
      batchSize: BATCH,
      burstWhenBatchFull: true,
      pollingIntervalSeconds: 0.5,
    }
  : {};
await boss.work(QUEUE, options, (jobs) => Promise.all(jobs.map((job) => work(job.data.number))));
const database = new pg.Client({ connectionString });
await database.connect();
await sayHowItWent("pg-boss", version, async () => {
  const done = await database.query(
    "SELECT count(*)::int AS count FROM pgboss.job WHERE name = $1 AND state = 'completed'",
    [QUEUE],
  );
  return done.rows[0].count;
});
process.exit(0);

