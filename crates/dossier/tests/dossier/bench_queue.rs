//! `dossier bench queue`, at sizes that a test can afford.

use serde_json::Value;

use crate::harness::process;

const SMALL: &str = "bench queue --databases sqlite --requests 50,100 --workers 1,2 --jobs 10 --runs 1 \
     --idle-workers 5 --idle-seconds 1";

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
    let svg = std::fs::read_to_string(folder.path().join("queue.svg")).unwrap();
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
