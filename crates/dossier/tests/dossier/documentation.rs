//! What the documentation shows is true: its commands run, its keys and codes are the program's.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::harness::process::{self, Running, words};
use crate::harness::service::Service;
use crate::harness::upstream::{Answer, Upstream};
use dossier::config::Config;
use serde_json::json;

/// Lines that are not this program's: they build and test it, and run before and beside this test.
const BEFORE_THIS_TEST: [&str; 5] = [
    "cargo install --locked --path crates/dossier",
    "scripts/test",
    "dossier up",
    "dossier api",
    "dossier worker",
];

/// Files that the commands on the pages import.
const SAMPLE_FILES: [(&str, &str); 4] = [
    ("prisons.csv", "code,name\nMDI,Moorland\n"),
    ("users.json", r#"{"ADA_GEN": "Lovelace"}"#),
    ("locations.json", r#"[{"code": 1, "name": "Gym"}]"#),
    (
        "preview.json",
        r#"{"prisons": {"MDI": "Moorland", "*": "x"}, "users": {"ADA_GEN": "Lovelace"}}"#,
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn pages() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = docs
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// Lines of the fenced blocks of one language.
fn fenced(page: &str, language: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(opened) => inside = opened == language,
            None if inside => lines.push(line.to_owned()),
            None => {}
        }
    }
    lines
}

/// Files that the pages show, in blocks that begin with ` ```language name`.
fn files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for page in pages() {
        let page = std::fs::read_to_string(page).unwrap();
        let openings = page.lines().filter_map(|line| line.strip_prefix("```"));
        for opening in openings {
            if let Some((_, name)) = opening.split_once(' ') {
                files.push((name.to_owned(), fenced(&page, opening).join("\n")));
            }
        }
    }
    files
}

#[test]
fn the_section_that_the_documentation_shows_is_what_its_template_gives() {
    let folder = tempfile::tempdir().unwrap();
    let files = files();
    for (name, text) in &files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let line = "render --template visits.hbs --data visits.json --reference reference.json -o -";
    let rendered = process::succeed(folder.path(), line);
    let (_, shown) = files
        .iter()
        .find(|(name, _)| name == "visits.html")
        .unwrap();
    assert_eq!(&rendered, shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_the_documentation_shows_succeeds() {
    let mut commands = 0;
    let perfect = Service::perfect().await;
    for page in pages() {
        let lines = fenced(&std::fs::read_to_string(&page).unwrap(), "sh");
        if lines.is_empty() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let upstream = Upstream::start().await;
        upstream.answer("svc", [Answer::Content(json!([{ "a": "b" }]))]);
        let listen = free_address();
        let configuration = format!(
            "[api]\nlisten = \"{listen}\"\n[reference.sources.prison-register]\n\
             kind = \"prison-register\"\nurl = \"http://127.0.0.1:9\"\n"
        );
        for (file, content) in SAMPLE_FILES {
            std::fs::write(folder.path().join(file), content).unwrap();
        }
        std::fs::write(folder.path().join("dossier.toml"), configuration).unwrap();
        for (name, text) in files() {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        std::fs::write(folder.path().join("template.hbs"), "<h1>{{title}}</h1>").unwrap();
        let _up = Running::start(folder.path(), "up", "up");
        let shown = |text: &str| lines.iter().any(|line| line.contains(text));
        if shown("keyworker-api") && !shown("service add keyworker-api") {
            let url = upstream.url("svc");
            let line = format!("service add keyworker-api --label Keyworker --url {url}");
            process::succeed(folder.path(), &line);
        }
        let mut id = String::new();
        for line in &lines {
            if BEFORE_THIS_TEST.contains(&line.as_str()) {
                continue;
            }
            let command = line
                .strip_prefix("dossier ")
                .or_else(|| line.strip_prefix("cargo run -- "))
                .unwrap_or_else(|| panic!("{}: no test runs `{line}`", page.display()));
            let command = command.replace("http://localhost:9001", &upstream.url("svc"));
            let command = command.replace("http://localhost:9002", &upstream.url("svc"));
            let command = command.replace("http://localhost:9003", &perfect.url);
            let command: Vec<String> = words(&command)
                .into_iter()
                .map(|word| if word == "ID" { id.clone() } else { word })
                .collect();
            let output = process::dossier(folder.path())
                .args(&command)
                .output()
                .unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            assert!(
                output.status.success(),
                "{}: `{line}` says: {printed}{}",
                page.display(),
                String::from_utf8_lossy(&output.stderr)
            );
            if line.contains("request create") {
                id = printed.lines().next().unwrap().to_owned();
                uuid::Uuid::parse_str(&id).unwrap();
            }
            commands += 1;
        }
    }
    assert!(commands > 20, "the documentation shows commands");
}

fn free_address() -> std::net::SocketAddr {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Rows of the configuration page's tables: key → default.
fn documented_keys() -> HashMap<String, String> {
    let page = std::fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    page.lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|row| {
            let mut cells = row.split(" | ");
            let key = cells.next()?.strip_suffix('`')?;
            Some((key.to_owned(), cells.next()?.trim_matches('`').to_owned()))
        })
        .collect()
}

/// The keys that a table of the configuration knows, as its refusal of an unknown one lists them.
fn known_keys(table: &str) -> BTreeSet<String> {
    let text = match table {
        "" => "no_such_key = 1".to_owned(),
        table => format!("[{table}]\nno_such_key = 1"),
    };
    let refusal = Config::parse(&text, HashMap::new())
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains("no_such_key"),
        "an unknown key is refused by name: {refusal}"
    );
    let (_, expected) = refusal.split_once("expected").unwrap();
    // The refusal ends with the table's own name.
    let expected = expected.split(" for key").next().unwrap();
    expected
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_configuration_page_names_every_key_and_no_other() {
    let documented: BTreeSet<String> = documented_keys().into_keys().collect();
    let mut known = BTreeSet::new();
    let mut tables = vec![String::new()];
    let default = toml::Value::try_from(Config::default()).unwrap();
    let optional_tables = ["worker.name_lookup.nomis", "worker.name_lookup.ndelius"];
    while let Some(table) = tables.pop() {
        for key in known_keys(&table) {
            let path = if table.is_empty() {
                key
            } else {
                format!("{table}.{key}")
            };
            let value = path
                .split('.')
                .try_fold(&default, |value, key| value.get(key));
            if path == "reference.sources" {
                tables.push("reference.sources.NAME".to_owned());
                continue;
            }
            let is_table =
                value.is_some_and(toml::Value::is_table) && path != "worker.upstream_auth";
            if is_table || optional_tables.contains(&path.as_str()) {
                tables.push(path);
            } else if path != "worker.upstream_auth" {
                known.insert(path);
            }
        }
    }
    let auth = [
        "kind",
        "path",
        "token_url",
        "client_id",
        "client_secret",
        "client_secret_file",
        "scope",
    ];
    known.extend(auth.map(|key| format!("worker.upstream_auth.{key}")));
    let missing: Vec<_> = known.difference(&documented).collect();
    let surplus: Vec<_> = documented.difference(&known).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing {missing:?}, surplus {surplus:?}"
    );
}

#[test]
fn the_configuration_page_gives_the_defaults_that_are_in_force() {
    let default = toml::Value::try_from(Config::default()).unwrap();
    for (key, documented) in documented_keys() {
        let documented = documented.replace("none", "\"none\"");
        let value = key
            .split('.')
            .try_fold(&default, |value, key| value.get(key));
        let Some(value) = value else {
            continue;
        };
        let real = match value {
            toml::Value::Float(number) => format!("{number}"),
            other => other.to_string(),
        };
        assert_eq!(documented, real, "{key}");
    }
}

/// Which numbers a key takes, as the configuration page says it: `1 to 100`, or `at least 1`.
fn documented_range(meaning: &str) -> Option<(f64, Option<f64>)> {
    let number = |word: &str| {
        let digits = word.trim_end_matches([',', ';', ':', '.']).replace(',', "");
        digits.parse::<f64>().ok()
    };
    let words: Vec<&str> = meaning.split_whitespace().collect();
    words.windows(3).find_map(|three| match three {
        [first, "to", last] => Some((number(first)?, Some(number(last)?))),
        ["at", "least", least] => Some((number(least)?, None)),
        _ => None,
    })
}

/// Why the program refuses this value of a key, if it does.
fn refusal(key: &str, value: &str) -> Option<String> {
    let around = match key {
        _ if key.starts_with("documents.s3.") => {
            "documents.kind = \"s3\"\ndocuments.s3.bucket = \"bucket\"\n"
        }
        _ if key.starts_with("documents.document_api.") => {
            "documents.kind = \"document-api\"\n\
             documents.document_api.url = \"http://localhost\"\n"
        }
        _ if key.starts_with("reference.sources.") => {
            "reference.sources.NAME.kind = \"prison-register\"\n\
             reference.sources.NAME.url = \"http://localhost\"\n"
        }
        _ => "",
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = format!("{around}{key} = {value}\n").replace("NAME", "name");
    std::fs::write(file.path(), text).unwrap();
    let refused = Config::load(Some(file.path())).err()?.to_string();
    let name = key.rsplit('.').next().unwrap();
    assert!(refused.contains(name), "{key} = {value}: {refused}");
    Some(refused)
}

#[test]
fn the_configuration_page_gives_the_ranges_that_are_in_force() {
    let page = std::fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let default = toml::Value::try_from(Config::default()).unwrap();
    let mut ranges = 0;
    for row in page.lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let (key, documented_default) =
            (cells[0].trim_end_matches('`'), cells[1].trim_matches('`'));
        let meaning = cells[2..].concat();
        let value = key
            .split('.')
            .try_fold(&default, |value, key| value.get(key));
        let is_number = documented_default.parse::<f64>().is_ok();
        let range = documented_range(&meaning).filter(|_| is_number || documented_default == "-");
        if !is_number && range.is_none() {
            continue;
        }
        let has_fraction = match value {
            Some(value) => value.is_float(),
            None => key.contains("seconds") || key.contains("hours"),
        };
        // What a range ends with, and whether that is taken.
        let huge = if has_fraction { 1e12 } else { 4e9 };
        let mut expected = Vec::new();
        match range {
            Some((least, most)) => {
                let below = match has_fraction {
                    true => least - 0.0005,
                    false => least - 1.0,
                };
                expected.extend([(least, true), (below, false)]);
                expected.extend(match most {
                    Some(most) => vec![(most, true), (most + 1.0, false)],
                    None => vec![(huge, true)],
                });
                ranges += 1;
            }
            // Whatever has limits says so.
            None => expected.extend([(0.0, true), (huge, true)]),
        }
        for (number, is_taken) in expected {
            let refused = refusal(key, &number.to_string());
            assert_eq!(refused.is_none(), is_taken, "{key} = {number}: {refused:?}");
        }
    }
    assert!(ranges > 50, "{ranges} keys have a range");
}

#[test]
fn the_command_page_lists_the_exit_codes_of_the_help() {
    let page = std::fs::read_to_string(root().join("docs/commands.md")).unwrap();
    let (_, table) = page.split_once("## Exit codes").unwrap();
    let rows: Vec<(String, String)> = table
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| ")?
                .strip_suffix(" |")?
                .split_once(" | ")
        })
        .filter(|(code, _)| code.parse::<u8>().is_ok())
        .map(|(code, meaning)| (code.to_owned(), meaning.to_owned()))
        .collect();
    assert_eq!(rows.len(), 12);
    for (code, meaning) in rows {
        let first = meaning.split([';', ',']).next().unwrap();
        let line = dossier::exit::HELP
            .lines()
            .find(|line| line.trim().starts_with(&code))
            .unwrap();
        assert!(line.contains(first), "{code}: {line}");
    }
}

#[test]
fn the_page_on_testing_a_service_lists_every_check() {
    let page = std::fs::read_to_string(root().join("docs/service-test.md")).unwrap();
    let (_, table) = page.split_once("## What is checked").unwrap();
    let listed = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: Vec<&str> = listed.filter_map(|row| row.split('`').next()).collect();
    let checks = dossier::service_test::check::ALL;
    let known: Vec<&str> = checks.iter().map(|check| check.id).collect();
    assert_eq!(listed, known);
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut pages = pages();
    pages.extend(["ARCHITECTURE.md", "CHANGELOG.md"].map(|page| root().join(page)));
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for (_, rest) in text
            .match_indices("](")
            .map(|(at, _)| text.split_at(at + 2))
        {
            let target = rest.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let file = page.parent().unwrap().join(target);
            assert!(file.exists(), "{} links to {target}", page.display());
        }
    }
}
