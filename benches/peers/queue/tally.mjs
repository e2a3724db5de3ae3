// What every peer in JavaScript does the same: read what is asked, count the jobs, say how it went.

function text(name) {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}`);
  return value;
}

export const asked = {
  databaseUrl: text("DATABASE_URL"),
  jobs: Number(text("JOBS")),
  workers: Number(text("WORKERS")),
  seconds: Number(text("SECONDS")),
  fastest: text("MODE") === "fastest",
};

export const pause = (milliseconds) => new Promise((then) => setTimeout(then, milliseconds));

const done = new Uint32Array(asked.jobs);
let total = 0;
let began = null;

// The job: a millisecond in which nothing is done.
export async function work(number) {
  began ??= performance.now();
  await pause(1);
  done[number] += 1;
  total += 1;
}

// Waits until all are done, or for the time that a run may take; then, if all are done, until
// `acknowledged` says that the database knows. Prints how it went.
export async function sayHowItWent(peer, version, acknowledged) {
  const started = performance.now();
  while (total < asked.jobs && performance.now() - started < asked.seconds * 1000) await pause(2);
  let known = await acknowledged();
  for (let look = 0; look < 1000 && total === asked.jobs && known < asked.jobs; look += 1) {
    await pause(2);
    known = await acknowledged();
  }
  const seconds = (performance.now() - began) / 1000;
  if (done.some((times) => times > 1)) throw new Error("jobs were done twice");
  if (known > total) throw new Error("more were acknowledged than done");
  const said = {
    peer,
    version,
    mode: asked.fastest ? "fastest" : "defaults",
    jobs: known,
    seconds,
    jobs_per_second: known / seconds,
  };
  console.log(JSON.stringify(said));
}
