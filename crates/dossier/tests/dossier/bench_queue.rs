//! `dossier bench queue`, at sizes that a test can afford.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::harness::process;

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
    let claim = |wait: &&Value| wait["call"] == "claim" && wait["requests"] == 100;
    let claim = measured["waits"].as_array().unwrap().iter().find(claim);
    assert!(claim.unwrap()["statements"].as_f64() >= Some(1.0));

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
    assert_eq!(waits.len(), 16, "eight calls in two sizes");
    for wait in waits {
        let [p50, p99] = ["p50Milliseconds", "p99Milliseconds"].map(|key| wait[key].as_f64());
        assert!(p50 > Some(0.0) && p50 <= p99, "{wait}");
    }
    assert_eq!(measured["idle"][0]["workers"], 5);
    let svg = fs::read_to_string(folder.path().join("queue.svg")).unwrap();
    assert!(svg.contains("SQLite, store"), "{svg}");
}

#[test]
fn a_limit_that_growth_passes_fails_the_command() {
    let folder = tempfile::tempdir().unwrap();
    for limit in [
        "--claim-slowdown-max-percent=-100",
        "--pickup-p50-max-ms=0",
        "--idle-core-max-percent=-1",
    ] {
        let output = process::run(folder.path(), &format!("{SMALL} {limit}"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{limit}: {said}");
        assert!(said.contains("at most"), "{limit}: {said}");
        assert!(
            !output.stdout.is_empty(),
            "{limit}: what was measured is printed"
        );
    }
}

#[test]
fn a_folder_without_the_peers_script_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = process::run(folder.path(), &format!("{SMALL} --peers nowhere"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("nowhere is no folder of peers"), "{said}");
}
