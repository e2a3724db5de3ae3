//! `dossier bench queue`, at sizes that a test can afford.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::postgres::{PASSWORD, Server};
use crate::harness::process;

/// Longest time for a measurement to begin.
const PATIENCE: Duration = Duration::from_secs(60);

const SMALL: &str = "bench queue --databases sqlite --requests 50,100 --workers 1,2 --jobs 10 --runs 1 \
     --idle-workers 5 --idle-seconds 1";

const POSTGRES: &str = "bench queue --databases postgres --requests 50,100 --workers 2 --jobs 10 --runs 1 \
     --idle-workers 5 --idle-seconds 1";

/// As `benches/peers/queue/run`, without a queue: what it is asked is written down beside it.
const PEERS: &str = r#"#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
if [ "$1" = list ]; then
    printf '%s\n' steady fickle
    exit
fi
echo "$1 $MODE $JOBS $WORKERS $SECONDS ${DATABASE_URL%%:*}" >>asked
if [ "$1 $MODE" = "fickle fastest" ]; then
    echo "it has no fast settings" >&2
    exit 3
fi
echo "a line that is not for the program"
echo '{"peer": "'"$1"'", "version": "1.2", "mode": "'"$MODE"'", "jobs": '"$JOBS"', "seconds": 1,
    "jobs_per_second": RATE}' | tr -d '\n'
"#;

/// Makes a folder of peers that all say that they do so many jobs a second.
fn peers(folder: &Path, jobs_a_second: f64) {
    let script = folder.join("peers/run");
    fs::create_dir(folder.join("peers")).unwrap();
    fs::write(&script, PEERS.replace("RATE", &jobs_a_second.to_string())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A server of the tests' own, and its URL for the one who may do everything.
fn named_server(arguments: &str) -> (Server, String) {
    let server = Server::start_with(arguments, |_| {});
    server.sql(
        "postgres",
        &format!("ALTER ROLE postgres PASSWORD '{PASSWORD}'"),
    );
    let url = server.network_url("postgres");
    let url = url.replace("//dossier:", "//postgres:");
    (server, url)
}

/// What a measurement may have left in a server.
fn left_in(server: &Server) -> String {
    let databases = "SELECT datname FROM pg_database WHERE datname LIKE 'dossier%';";
    let extensions = "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql';";
    server.sql("postgres", &format!("{databases} {extensions}"))
}

/// What was measured of a call with a hundred requests in the table.
fn wait<'m>(measured: &'m Value, call: &str) -> &'m Value {
    let of = |wait: &&Value| wait["call"] == call && wait["requests"] == 100;
    let found = measured["waits"].as_array().unwrap().iter().find(of);
    found.unwrap_or_else(|| panic!("{call}: {measured}"))
}

/// A time as the picture's description has it.
fn milliseconds(value: &Value) -> String {
    let value = value.as_f64().unwrap();
    let digits = match value {
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    let digits = match digits.split_once('.') {
        Some(_) => digits.trim_end_matches('0').trim_end_matches('.'),
        None => &digits,
    };
    format!("{digits} ms")
}

/// Runs a measurement whose temporary files are in a folder that the server's user may go into.
fn with_own_server(folder: &Path, line: &str) -> Output {
    let temporary = folder.join("temporary");
    fs::create_dir(&temporary).unwrap();
    for open in [folder, &temporary] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = process::dossier(folder);
    command.args(process::words(line)).env("TMPDIR", &temporary);
    let output = command.output().unwrap();
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().collect();
    assert!(left.is_empty(), "the server and its folder go: {left:?}");
    output
}

#[test]
fn postgresql_and_other_queues_are_measured_on_a_server_that_is_started_for_it() {
    let folder = tempfile::tempdir().unwrap();
    peers(folder.path(), 0.5);
    let line = "--peers peers --peer-jobs 40 --seconds 9 --peer-ratio-min 1 --svg queue.svg --json";
    let output = with_own_server(folder.path(), &format!("{POSTGRES} {line}"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let measured: Value = serde_json::from_slice(&output.stdout).unwrap();

    assert!(measured["postgres"].is_string());
    assert_eq!(measured["rates"].as_array().unwrap().len(), 4);
    assert_eq!(measured["idle"][0]["database"], "postgres");
    let statements = |call| wait(&measured, call)["statements"].as_f64().unwrap();
    assert!(statements("claim") >= 1.0);
    // A whole request is claimed too, and so is one that is picked up.
    for call in ["pick-up", "whole-request"] {
        assert!(statements(call) > statements("claim"), "{call}");
        assert_eq!(statements(call).fract(), 0.0, "{call}");
    }
    assert_eq!(measured["notCounted"], Value::Array(Vec::new()));

    let rates = measured["peers"].as_array().unwrap().iter();
    let rates: Vec<_> = rates
        .map(|rate| {
            assert_eq!(rate["jobs"], 40, "{rate}");
            (
                rate["peer"].as_str().unwrap(),
                rate["mode"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("dossier", "defaults"),
        ("dossier", "fastest"),
        ("steady", "defaults"),
        ("steady", "fastest"),
        ("fickle", "defaults"),
    ];
    assert_eq!(rates, expected);
    let not_measured = &measured["notMeasured"];
    assert_eq!(not_measured[0]["peer"], "fickle");
    assert_eq!(not_measured[0]["mode"], "fastest");
    let why = not_measured[0]["why"].as_str().unwrap();
    assert!(why.ends_with("it has no fast settings"), "{why}");
    let asked = fs::read_to_string(folder.path().join("peers/asked")).unwrap();
    let mut asked: Vec<&str> = asked.lines().collect();
    asked.sort_unstable();
    let expected = [
        "fickle defaults 40 2 9 postgres",
        "fickle fastest 40 2 9 postgres",
        "steady defaults 40 2 9 postgres",
        "steady fastest 40 2 9 postgres",
    ];
    assert_eq!(asked, expected);
    let svg = fs::read_to_string(folder.path().join("queue.svg")).unwrap();
    for shown in ["PostgreSQL, store", "steady"] {
        assert!(svg.contains(shown), "{shown}: {svg}");
    }
}

#[test]
fn a_named_server_is_left_as_it_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url) = named_server("-c shared_preload_libraries=pg_stat_statements");
    let line = format!("{POSTGRES} --database {url} --only-limits");
    let printed = process::succeed(folder.path(), &line);
    assert!(!printed.contains("not counted"), "{printed}");
    assert_eq!(left_in(&server), "");

    // What was there before stays.
    server.sql("postgres", "CREATE EXTENSION pg_stat_statements");
    process::succeed(folder.path(), &line);
    assert_eq!(left_in(&server), "pg_stat_statements");
}

#[test]
fn a_named_server_is_left_as_it_was_found_when_the_measurement_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url) = named_server("-c shared_preload_libraries=pg_stat_statements");
    for signal in ["INT", "TERM"] {
        let mut bench = process::dossier(folder.path());
        bench.args(process::words(POSTGRES));
        bench.args(["--database", &url]);
        let mut bench = bench.stdout(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        while !left_in(&server).contains("_100_") {
            assert!(started.elapsed() < PATIENCE, "no database is made");
            std::thread::sleep(Duration::from_millis(50));
        }
        let pid = bench.id().to_string();
        let killed = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(killed.unwrap().success());
        assert_eq!(bench.wait().unwrap().code(), Some(1), "{signal}");
        assert_eq!(left_in(&server), "", "{signal}");
    }
}

#[test]
fn why_round_trips_are_not_counted_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let short = "bench queue --databases postgres --requests 100 --workers 1 --jobs 10 --runs 1 \
         --idle-workers 0";
    let why_of = |url: &str| {
        let measured = process::json(folder.path(), &format!("{short} --database {url}"));
        assert_eq!(wait(&measured, "whole-request")["statements"], Value::Null);
        let not_counted = &measured["notCounted"][0];
        assert_eq!(not_counted["database"], "postgres");
        not_counted["why"].as_str().unwrap().to_owned()
    };

    let (server, url) = named_server("");
    let printed = process::succeed(folder.path(), &format!("{short} --database {url}"));
    let why = "PostgreSQL: round trips to the database are not counted: pg_stat_statements must be \
         loaded via shared_preload_libraries";
    assert!(printed.contains(why), "{printed}");
    assert_eq!(left_in(&server), "");

    // Who may make databases, and no extensions.
    server.sql("postgres", "ALTER ROLE dossier CREATEDB");
    let why = why_of(&server.network_url("postgres"));
    assert!(why.starts_with("permission denied"), "{why}");

    let (_server, url) = named_server(
        "-c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.track=none",
    );
    assert_eq!(why_of(&url), "pg_stat_statements.track is none");
}

#[test]
fn a_peer_that_is_too_far_ahead_fails_the_command() {
    let folder = tempfile::tempdir().unwrap();
    peers(folder.path(), 1e12);
    let line = "bench queue --databases sqlite --requests 50 --workers 1 --jobs 10 --runs 1 \
         --idle-workers 0 --peers peers --peer-jobs 40 --peer-ratio-min 0.5";
    let output = with_own_server(folder.path(), line);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("at least 0.5 was wanted"), "{said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("steady 1.2"), "{printed}");
    let why = "not measured: fickle, fastest: exit status: 3: it has no fast settings";
    assert!(printed.contains(why), "{printed}");
}

#[test]
fn every_size_and_number_of_workers_is_measured_on_the_store_and_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{SMALL} --svg queue.svg");
    let measured: Value = process::json(folder.path(), &line);
    let rates = measured["rates"].as_array().unwrap();
    for layer in ["store", "http"] {
        for (requests, workers) in [(50, 1), (50, 2), (100, 1), (100, 2)] {
            let of = |rate: &&Value| {
                rate["layer"] == layer && rate["requests"] == requests && rate["workers"] == workers
            };
            let rate = rates.iter().find(of).unwrap();
            assert!(rate["requestsASecondMedian"].as_f64().unwrap() > 0.0);
        }
    }
    let waits = measured["waits"].as_array().unwrap();
    let calls = [
        "claim",
        "claim-past-waiting",
        "renew",
        "complete",
        "first-page",
        "last-page",
        "next-page",
        "search-reference",
        "search-identifier",
        "search-two-characters",
        "admin-first-page",
        "admin-last-page",
        "admin-search-first-page",
        "admin-search-last-page",
        "pick-up",
        "whole-request",
    ];
    assert_eq!(waits.len(), 2 * calls.len());
    for call in calls {
        assert!(wait(&measured, call)["calls"].as_u64() > Some(0), "{call}");
    }
    for wait in waits {
        let [p50, p99] = ["p50Milliseconds", "p99Milliseconds"].map(|key| wait[key].as_f64());
        assert!(p50 > Some(0.0) && p50 <= p99, "{wait}");
    }
    assert_eq!(measured["idle"][0]["workers"], 5);
    let slowdown = &measured["claimSlowdowns"][0];
    assert_eq!(
        (&slowdown["from"], &slowdown["to"]),
        (&50.into(), &100.into())
    );
    assert!(slowdown["percent"].is_number(), "{slowdown}");
    assert_eq!(measured["notCounted"][0]["database"], "sqlite");
    let svg = fs::read_to_string(folder.path().join("queue.svg")).unwrap();
    let drawn = [
        "Requests a second, 2 workers",
        "To claim a request",
        "from 50 to 100: SQLite ",
        "SQLite, p50",
        "SQLite, p99",
        "From POST to claimed",
        "SQLite, store",
        "SQLite, admin",
        "stroke-dasharray",
    ];
    for drawn in drawn {
        assert!(svg.contains(drawn), "{drawn}: {svg}");
    }
    let claim = wait(&measured, "claim");
    let at_worst = format!(
        "To claim a request, SQLite, 100 finished requests in the table: {}, at worst {}.",
        milliseconds(&claim["p50Milliseconds"]),
        milliseconds(&claim["p99Milliseconds"])
    );
    assert!(svg.contains(&at_worst), "{at_worst}: {svg}");
}

#[test]
fn all_limits_that_are_passed_fail_the_command_and_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "{SMALL} --only-limits --claim-slowdown-max-percent=-100 --pickup-p50-max-ms=0 \
         --idle-core-max-percent=-1"
    );
    let output = process::run(folder.path(), &line);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for limit in [
        "percent that a claim slows from 50 to 100 requests, SQLite: ",
        "median milliseconds to pick a request up, 50 requests, SQLite: ",
        "median milliseconds to pick a request up, 100 requests, SQLite: ",
        "percent of a core for 5 waiting workers, SQLite: ",
    ] {
        let named = said.lines().find(|line| line.contains(limit));
        let named = named.unwrap_or_else(|| panic!("{limit}: {said}"));
        assert!(named.ends_with(" was wanted"), "{named}");
    }
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed.contains("claim one"),
        "what was measured is printed: {printed}"
    );
    assert!(
        !printed.contains("list,"),
        "what has no limit is left out: {printed}"
    );
}

#[test]
fn what_was_measured_is_printed_and_held_to_its_limits_when_workers_cannot_wait() {
    let folder = tempfile::tempdir().unwrap();
    let line = "bench queue --databases sqlite --requests 50,100 --runs 1 --idle-workers 10000 \
         --only-limits --pickup-p50-max-ms 0";
    let mut shell = Command::new("bash");
    shell.current_dir(folder.path());
    shell.args(["-c", "ulimit -n 1000; exec \"$0\" \"$@\""]);
    shell.arg(process::dossier(folder.path()).get_program());
    let output = shell.args(process::words(line)).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("pick a request up"), "{said}");
    let why = "waiting workers were not measured: so many workers need 10200 open files";
    assert!(said.contains(why), "{said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("claim one"), "{printed}");
}

#[test]
fn a_limit_that_is_kept_is_not_named_beside_one_that_is_passed() {
    let folder = tempfile::tempdir().unwrap();
    let line = "bench queue --databases sqlite --requests 50,100 --runs 1 --idle-workers 0 \
         --only-limits --claim-slowdown-max-percent 1e9 --pickup-p50-max-ms 0";
    let output = process::run(folder.path(), line);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("pick a request up"), "{said}");
    assert!(!said.contains("a claim slows"), "{said}");
}

#[test]
fn a_folder_without_the_peers_script_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = process::run(folder.path(), &format!("{SMALL} --peers nowhere"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("nowhere is no folder of peers"), "{said}");
}
