//! The pages that the program serves, with their scripts, as a browser shows them.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::browser::Page;
use crate::harness::process::Running;

/// What there is to see on the page of a preview.
const PREVIEW: &str = "({
    title: document.title,
    state: document.getElementById('state').innerText,
    heading: document.getElementById('problems').innerText.split('\\n')[0],
    problems: [...document.querySelectorAll('#problem-list li')].map((item) => item.innerText),
    html: [document.getElementById('html').contentDocument]
        .map((html) => html.readyState === 'complete' ? html.body.innerText : '')[0],
    pages: document.getElementById('pages').innerText,
    greyed: [...document.querySelectorAll('.stale iframe')].map((frame) => frame.id),
})";
/// Where the frame with the HTML is.
const HTML_FRAME: &str = "document.getElementById('html').contentWindow";

fn preview(folder: &Path, port: u16) -> (Running, String) {
    let line = format!("render --watch --template a.hbs --data a.json --listen 127.0.0.1:{port}");
    let process = Running::start(folder, &line, "preview");
    let url = process.ready["url"].as_str().unwrap().to_owned();
    (process, url)
}

/// Saves a file as editors do: it is never seen half written.
fn save(folder: &Path, file: &str, text: &str) {
    let new = folder.join("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, folder.join(file)).unwrap();
}

/// Waits until the HTML that is shown has this text; answers all that is seen.
fn shown(page: &mut Page, text: &str) -> Value {
    page.until(PREVIEW, |seen| has(&seen["html"], text))
}

fn has(seen: &Value, text: &str) -> bool {
    seen.as_str().unwrap().contains(text)
}

fn loaded_pdfs(page: &mut Page, count: usize) {
    page.until_loaded(|urls| {
        let pdfs = urls.iter().filter(|url| url.contains("/section.pdf"));
        pdfs.count() == count
    });
}

#[test]
fn a_preview_in_a_browser_follows_every_save() {
    let folder = tempfile::tempdir().unwrap();
    let save = |file: &str, text: &str| save(folder.path(), file, text);
    let lines = "<p>One of many</p>".repeat(200);
    save("a.json", r#"{"content": {"name": "Ada", "left": "out"}}"#);
    save("a.hbs", &format!("<h1>Notes on {{{{name}}}}</h1>{lines}"));
    let (_preview, url) = preview(folder.path(), 0);
    let mut page = Page::open(&url);

    let first = shown(&mut page, "Notes on Ada");
    assert!(has(&first["state"], "Made at"), "{first}");
    assert!(has(&first["pages"], "from page 4 of"), "{first}");
    assert_eq!(first["title"], "(1) Section preview – Dossier");
    assert_eq!(first["heading"], "1 problem");
    assert!(has(&first["problems"][0], "warning"), "{first}");
    assert!(has(&first["problems"][0], "left"), "{first}");
    assert_eq!(first["greyed"], json!([]));
    loaded_pdfs(&mut page, 1);

    page.evaluate("window.isStillThisPage = true");
    page.evaluate(&format!("{HTML_FRAME}.scrollTo(0, 500)"));
    save("a.hbs", "<p>\n{{#if name}}");
    let broken = page.until(PREVIEW, |seen| has(&seen["state"], "Could not be made at"));
    assert_eq!(broken["problems"].as_array().unwrap().len(), 1, "{broken}");
    assert!(has(&broken["problems"][0], "2:1 error"), "{broken}");
    assert_eq!(broken["greyed"], json!(["html", "pdf"]));
    assert!(has(&broken["html"], "Notes on Ada"), "{broken}");

    let better = format!("<h1>More on {{{{name}}}}, {{{{left}}}}</h1>{lines}");
    save("a.hbs", &better);
    let mended = shown(&mut page, "More on Ada, out");
    assert!(has(&mended["state"], "Made at"), "{mended}");
    assert_eq!(mended["title"], "Section preview – Dossier");
    assert_eq!(mended["heading"], "", "no problem is shown");
    assert_eq!(mended["greyed"], json!([]));
    loaded_pdfs(&mut page, 2);
    page.until(&format!("{HTML_FRAME}.scrollY"), |place| *place == 500);
    assert_eq!(page.evaluate("window.isStillThisPage"), true);
    assert_eq!(page.errors, Vec::<String>::new());
}

#[test]
fn a_preview_in_a_browser_says_that_it_is_being_made() {
    let folder = tempfile::tempdir().unwrap();
    let save = |file: &str, text: &str| save(folder.path(), file, text);
    save("a.json", r#"{"content": {"name": "Ada"}}"#);
    save("a.hbs", "<h1>Notes on {{name}}</h1>");
    let (_preview, url) = preview(folder.path(), 0);
    let mut page = Page::open(&url);
    let first = page.until(PREVIEW, |seen| has(&seen["state"], "Made at"));
    assert!(has(&first["state"], "Save a file"), "{first}");

    // Whoever reads a pipe waits until somebody writes to it.
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    std::fs::rename(&pipe, folder.path().join("a.json")).unwrap();
    let making = page.until(PREVIEW, |seen| has(&seen["state"], "Making… since"));
    let state = &making["state"];
    assert!(has(state, "What is shown is older: made at"), "{making}");
    assert!(!has(state, "Save a file"), "{making}");
    assert!(has(&making["html"], "Notes on Ada"), "{making}");

    save("a.json", r#"{"content": {"name": "Bea"}}"#);
    let again = shown(&mut page, "Notes on Bea");
    assert!(has(&again["state"], "Made at"), "{again}");
    assert_eq!(page.errors, Vec::<String>::new());
}

#[test]
fn a_preview_in_a_browser_runs_and_fetches_nothing_that_a_template_names() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", elsewhere.local_addr().unwrap());
    let template = format!(
        "<link rel=\"stylesheet\" href=\"{url}\"><style>@import url({url});</style>\
         <meta http-equiv=\"refresh\" content=\"0;url={url}\"><img src=\"{url}\">\
         <h1 onclick=\"document.body.append('ran')\">Notes</h1><iframe src=\"{url}\"></iframe>\
         <script>document.body.append('ran')</script>"
    );
    save(folder.path(), "a.json", r#"{"content": {}}"#);
    save(folder.path(), "a.hbs", &template);
    let (_preview, url) = preview(folder.path(), 0);
    let mut page = Page::open(&url);
    shown(&mut page, "Notes");
    page.evaluate(&format!(
        "{HTML_FRAME}.document.querySelector('h1').click()"
    ));
    loaded_pdfs(&mut page, 1);
    let seen = shown(&mut page, "Notes");
    assert!(!has(&seen["html"], "ran"), "{seen}");
    // For a frame the browser connects before it looks whether it may; it asks for nothing.
    while let Ok((mut connection, _)) = elsewhere.accept() {
        let wait = Duration::from_millis(200);
        connection.set_nonblocking(false).unwrap();
        connection.set_read_timeout(Some(wait)).unwrap();
        let asked = connection.read(&mut [0]).unwrap_or(0);
        assert_eq!(asked, 0, "something was fetched");
    }
}

#[test]
fn a_preview_without_a_template_shows_the_pdf_alone() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "a.json", r#"{"content": {"name": "Ada"}}"#);
    let line = "render --watch --data a.json --listen 127.0.0.1:0";
    let preview = Running::start(folder.path(), line, "preview");
    let mut page = Page::open(preview.ready["url"].as_str().unwrap());
    loaded_pdfs(&mut page, 1);
    let seen =
        "['html', 'pdf', 'problems'].filter((id) => document.getElementById(id).offsetWidth)";
    assert_eq!(page.evaluate(seen), json!(["pdf"]));
}

#[test]
fn a_preview_in_a_browser_finds_the_program_again() {
    let folder = tempfile::tempdir().unwrap();
    let save = |file: &str, text: &str| save(folder.path(), file, text);
    save("a.json", r#"{"content": {"name": "Ada"}}"#);
    save("a.hbs", "<p>Before {{name}}</p>");
    let (stopped, url) = preview(folder.path(), 0);
    let mut page = Page::open(&url);
    shown(&mut page, "Before Ada");
    loaded_pdfs(&mut page, 1);

    drop(stopped);
    page.until(PREVIEW, |seen| {
        seen["state"] == "dossier render has stopped; start it again."
    });
    save("a.hbs", "<p>After {{name}}</p>");
    let port = url.trim_end_matches('/').rsplit(':').next().unwrap();
    let (_again, _) = preview(folder.path(), port.parse().unwrap());
    let after = shown(&mut page, "After Ada");
    assert!(has(&after["state"], "Made at"), "{after}");
    loaded_pdfs(&mut page, 2);
}

#[test]
fn the_page_of_the_api_lists_its_operations_and_calls_them() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = "[api]\nlisten = \"127.0.0.1:0\"\n";
    std::fs::write(folder.path().join("dossier.toml"), configuration).unwrap();
    let up = Running::start(folder.path(), "up", "up");
    let mut page = Page::open(up.ready["apiPage"].as_str().unwrap());

    // The page breaks long paths with spaces of no width.
    let listed = page.until(
        "[...document.querySelectorAll('.opblock-summary')].map((operation) =>
            operation.querySelector('.opblock-summary-method').innerText.toLowerCase() + ' ' +
            operation.querySelector('.opblock-summary-path').innerText.replace(/\\u200b/g, ''))",
        |listed| listed.as_array().is_some_and(|listed| !listed.is_empty()),
    );
    let listed: BTreeSet<String> = serde_json::from_value(listed).unwrap();
    let description = dossier_api::openapi::description().to_json().unwrap();
    let description: Value = serde_json::from_str(&description).unwrap();
    let paths = description["paths"].as_object().unwrap().iter();
    let described: BTreeSet<String> = paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| format!("{method} {path}"))
        })
        .collect();
    assert_eq!(listed, described);

    let token = up.ready["newToken"].as_str().unwrap();
    page.click("document.querySelector('.scheme-container .btn.authorize')");
    page.type_into("document.querySelector('.auth-container input')", token);
    page.click("document.querySelector('.auth-container .btn.authorize')");
    page.click("document.querySelector('.auth-container .btn-done')");
    let operation = "document.querySelector('#operations-requests-total')";
    page.click(&format!(
        "{operation}.querySelector('.opblock-summary-control')"
    ));
    page.click(&format!("{operation}.querySelector('.try-out__btn')"));
    page.click(&format!("{operation}.querySelector('.execute')"));
    let answer = format!("{operation}.querySelector('.live-responses-table .response').innerText");
    let answer = page.until(&answer, Value::is_string);
    assert!(has(&answer, "200"), "{answer}");

    let own = up.ready["url"].as_str().unwrap();
    let elsewhere = page.loaded.iter();
    let elsewhere = elsewhere.filter(|url| !url.starts_with(own) && !url.starts_with("data:"));
    assert_eq!(elsewhere.count(), 0, "{:?}", page.loaded);
    assert_eq!(page.errors, Vec::<String>::new());
}
