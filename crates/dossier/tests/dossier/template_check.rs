//! `dossier template check` and `dossier render`, as an engineer and a build use them.

use std::path::Path;

use crate::harness::{pdf, process};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// Exit code, standard output, standard error.
fn run(folder: &Path, line: &str) -> (Option<i32>, String, String) {
    let output = process::run(folder, line);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn findings_are_lines_with_their_place_and_errors_fail() {
    let folder = folder(&[
        ("good.hbs", "<p>{{a}}</p>"),
        ("odd.hbs", "<p>\n{{{a}}}</p>"),
        ("broken.hbs", "\n{{#if a}}"),
        (
            "answer.json",
            r#"{"content": {"a": 1, "Secret": "Hidden"}}"#,
        ),
    ]);
    let check = |line: &str| run(folder.path(), &format!("template check {line}"));
    assert_eq!(check("good.hbs"), (Some(0), String::new(), String::new()));
    let (code, lines, _) = check("odd.hbs");
    assert_eq!(code, Some(0));
    assert!(lines.starts_with("odd.hbs:2:1: warning: "), "{lines}");
    let (code, _, why) = check("odd.hbs --strict");
    assert_eq!(code, Some(1), "{why}");
    assert!(why.contains("has 1 warning, and none are wanted"), "{why}");
    let (code, lines, why) = check("broken.hbs");
    assert_eq!(code, Some(1));
    assert!(
        lines.starts_with("broken.hbs:2:1: error: ") && why.trim_end().ends_with("has 1 error"),
        "{lines}{why}"
    );
    let (code, lines, _) = check("good.hbs --data answer.json");
    assert_eq!(code, Some(0));
    assert!(
        lines.contains("`Secret`") && !lines.contains("Hidden"),
        "{lines}"
    );
    let (code, _, why) = check("nowhere.hbs");
    assert_eq!(code, Some(1));
    assert!(why.contains("nowhere.hbs"), "{why}");
}

#[test]
fn what_is_said_of_an_element_is_what_the_report_does() {
    let template = "<object>OBJ</object><audio>AUD</audio><form>FORM</form>\n\
                    <title>TITLE</title>\n<pre>PRE</pre>{{a}}";
    let folder = folder(&[
        ("elements.hbs", template),
        ("answer.json", r#"{"content": {}}"#),
    ]);
    let (_, lines, _) = run(folder.path(), "template check elements.hbs");
    let said: Vec<&str> = lines.lines().collect();
    assert_eq!(
        said,
        [
            "elements.hbs:1:1: warning: <object> is laid out as its text only",
            "elements.hbs:1:21: warning: <audio> is laid out as its text only",
            "elements.hbs:1:39: warning: <form> is laid out as its text only",
            "elements.hbs:2:1: warning: <title> never reaches the PDF",
        ]
    );
    let rendering = "render --template elements.hbs --data answer.json -o section.pdf";
    process::succeed(folder.path(), rendering);
    let shown = pdf::text(&folder.path().join("section.pdf"));
    for text in ["OBJ", "AUD", "FORM", "PRE"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(!shown.contains("TITLE"), "{shown}");
}

#[test]
fn an_empty_template_is_an_error_and_one_without_an_expression_a_warning() {
    let folder = folder(&[
        ("empty.hbs", ""),
        ("blank.hbs", " \n"),
        ("page.hbs", "<html>login page</html>"),
        ("d.json", r#"{"content": {"a": "Ada"}}"#),
    ]);
    for file in ["empty.hbs", "blank.hbs"] {
        let says = "the template is empty: it makes nothing of any answer";
        let (code, lines, _) = run(folder.path(), &format!("template check {file}"));
        assert_eq!(code, Some(1));
        assert_eq!(lines.trim_end(), format!("{file}:1:1: error: {says}"));
    }
    let (code, lines, _) = run(folder.path(), "template check page.hbs");
    assert_eq!(code, Some(0));
    let says = "page.hbs:1:1: warning: this shows nothing of an answer";
    assert!(lines.starts_with(says), "{lines}");
}

#[test]
fn bytes_that_are_no_text_have_their_place_everywhere() {
    let folder = folder(&[("d.json", r#"{"content": {"a": "Ada"}}"#)]);
    std::fs::write(folder.path().join("c.hbs"), b"a\nb\n\xff{{a}}").unwrap();
    let (code, lines, _) = run(folder.path(), "template check c.hbs");
    assert_eq!(code, Some(1));
    assert_eq!(lines, "c.hbs:3:1: error: this is not UTF-8\n");
    let line = "render --template c.hbs --data d.json -o out.html";
    let (code, _, why) = run(folder.path(), line);
    assert_eq!(code, Some(1));
    assert!(why.contains("c.hbs:3:1: this is not UTF-8"), "{why}");
}

#[test]
fn findings_are_json_for_programs() {
    let folder = folder(&[("odd.hbs", "{{{a}}}")]);
    let checked = process::json(folder.path(), "template check odd.hbs");
    assert_eq!(checked["warnings"], 1);
    assert_eq!(checked["errors"], 0);
    let finding = &checked["findings"][0];
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        (&finding["kind"], &finding["severity"]),
        (&"unescaped".into(), &"warning".into())
    );
}

#[test]
fn a_check_lists_every_unknown_helper_and_all_else() {
    let text = "{{foo a}}\n{{bar b}}\n{{{x}}}\n<p class=\"zzz\">{{c}}</p>";
    let folder = folder(&[
        ("odd.hbs", text),
        (
            "answer.json",
            r#"{"content": {"a": 1, "b": 2, "c": 3, "left": 4}}"#,
        ),
    ]);
    let places = |line: &str| {
        let (code, lines, why) = run(folder.path(), line);
        assert_eq!(code, Some(1), "{why}");
        assert!(why.contains("2 errors"), "{why}");
        let places = lines
            .lines()
            .map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(" "));
        places.collect::<Vec<_>>()
    };
    let alone = [
        "odd.hbs:1:3 error",
        "odd.hbs:2:3 error",
        "odd.hbs:3:1 warning",
        "odd.hbs:4:11 warning",
    ];
    assert_eq!(places("template check odd.hbs"), alone);
    let with_answer = [
        "odd.hbs:1:1 warning",
        "odd.hbs:1:3 error",
        "odd.hbs:2:3 error",
        "odd.hbs:3:1 warning",
        "odd.hbs:3:4 warning",
        "odd.hbs:4:11 warning",
    ];
    assert_eq!(
        places("template check odd.hbs --data answer.json"),
        with_answer
    );
    let (code, _, why) = run(
        folder.path(),
        "render --template odd.hbs --data answer.json -o out.html",
    );
    assert_eq!(code, Some(1));
    assert!(
        why.contains("odd.hbs:1:3: no helper is named `foo`"),
        "{why}"
    );
}

#[test]
fn html_is_what_the_template_gives_and_nothing_else() {
    let folder = folder(&[
        ("t.hbs", "<p>{{a}} {{getPrisonName p}}</p>\n"),
        ("d.json", r#"{"content": {"a": "<é>", "p": "MDI"}}"#),
        ("r.json", r#"{"prisons": {"*": "A prison"}}"#),
    ]);
    let render = "render --template t.hbs --data d.json";
    assert_eq!(
        process::succeed(folder.path(), &format!("{render} -o -")),
        "<p>&lt;é&gt; MDI</p>\n"
    );
    process::succeed(
        folder.path(),
        &format!("{render} --reference r.json -o out.html"),
    );
    let html = std::fs::read_to_string(folder.path().join("out.html")).unwrap();
    assert_eq!(html, "<p>&lt;é&gt; A prison</p>\n");
}

#[test]
fn a_wrong_name_of_a_reference_file_is_placed_and_not_repeated() {
    let folder = folder(&[
        ("t.hbs", "{{a}}"),
        ("d.json", r#"{"content": {"a": 1}}"#),
        ("r.json", "{\n\"users\": \"Surname\"}"),
    ]);
    let line = "render --template t.hbs --data d.json --reference r.json -o out.html";
    let (code, _, why) = run(folder.path(), line);
    assert_eq!(code, Some(1));
    assert!(
        why.contains("names by code were expected at line 2 column"),
        "{why}"
    );
    assert!(!why.contains("Surname"), "{why}");
}

#[test]
fn the_contents_of_a_preview_name_no_version() {
    let folder = folder(&[
        ("t.hbs", "<p>{{a}}</p>"),
        ("d.json", r#"{"content": {"a": 1}}"#),
    ]);
    for (template, expected) in [("--template t.hbs", "preview"), ("", "generic")] {
        let line = format!("render {template} --data d.json --label Visits -o out.pdf");
        process::succeed(folder.path(), &line);
        let shown = pdf::text(&folder.path().join("out.pdf"));
        let contents = shown
            .lines()
            .find(|line| line.trim_start().starts_with("Visits "));
        let words: Vec<&str> = contents.unwrap_or(&shown).split_whitespace().collect();
        assert_eq!(words, ["Visits", expected, "4"]);
    }
}

#[test]
fn what_cannot_be_rendered_says_why_and_leaves_no_file() {
    let folder = folder(&[
        ("t.hbs", "{{a}}"),
        ("broken.hbs", "{{"),
        ("fails.hbs", "a{{> p}}"),
        ("d.json", r#"{"content": {}}"#),
        ("bare.json", r#"{"a": "Hidden"}"#),
        ("list.json", "[1]"),
        ("null.json", r#"{"content": null}"#),
        ("text.json", "Hidden"),
        ("r.json", r#"{"prison": {}}"#),
    ]);
    for (arguments, says) in [
        ("--template t.hbs --data bare.json", "`content`"),
        ("--template t.hbs --data list.json", "a list"),
        ("--template t.hbs --data null.json", "no data"),
        ("--template t.hbs --data text.json", "1:1"),
        ("--template t.hbs --data nowhere.json", "nowhere.json"),
        ("--template broken.hbs --data d.json", "broken.hbs:1:1"),
        ("--template fails.hbs --data d.json", "fails.hbs:1:2"),
        (
            "--template t.hbs --data d.json --reference r.json",
            "prison",
        ),
    ] {
        let (code, _, why) = run(folder.path(), &format!("render {arguments} -o out.html"));
        assert_eq!(code, Some(1), "{arguments}");
        assert!(
            why.contains(says) && !why.contains("Hidden"),
            "{arguments}: {why}"
        );
        assert!(!folder.path().join("out.html").exists(), "{arguments}");
    }
}

#[test]
fn options_of_a_rendering_that_do_not_go_together_are_a_wrong_command_line() {
    let folder = folder(&[("t.hbs", "{{a}}"), ("d.json", r#"{"content": {}}"#)]);
    for (arguments, says) in [
        ("--template t.hbs -o out.txt", ".html"),
        ("--template t.hbs -o out", ".html"),
        ("-o out.html", "--template"),
        ("-o -", "--template"),
        ("--watch --listen 0.0.0.0:1", "on this machine only"),
    ] {
        let (code, _, why) = run(folder.path(), &format!("render --data d.json {arguments}"));
        assert_eq!(code, Some(2), "{arguments}: {why}");
        assert!(why.contains(says), "{arguments}: {why}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

const NULL: &str = r#"{"content": null, "attachments": [{"attachmentNumber": 1, "name": "A note",
    "contentType": "text/plain", "url": "http://x/note.txt", "filename": "note.txt"}]}"#;

#[test]
fn an_answer_without_content_is_printed_as_a_worker_prints_it() {
    let folder = folder(&[
        ("t.hbs", "<h1>Visits</h1><p>{{optionalValue name}} came</p>"),
        ("alone.json", r#"{"content": null}"#),
        ("null.json", NULL),
        ("files/note.txt", "Dear reader"),
    ]);
    let printed = |line: &str| {
        let line = format!("render {line} --attachments files -o out.pdf");
        let told = process::json(folder.path(), &line);
        assert!(told["pages"].as_u64() > Some(0), "{told}");
        pdf::text(&folder.path().join("out.pdf"))
    };
    for template in ["", "--template t.hbs"] {
        let alone = printed(&format!("--data alone.json {template}"));
        assert!(alone.contains("No Data Held"), "{alone}");
        let with_note = printed(&format!("--data null.json {template}"));
        for shown in ["No Data Held", "Attachment: 1", "Dear reader"] {
            assert!(with_note.contains(shown), "{shown} is not in {with_note}");
        }
        assert!(!with_note.contains("came"), "{with_note}");
    }
    let (code, lines, _) = run(folder.path(), "template check t.hbs --data null.json");
    assert_eq!(code, Some(0));
    assert!(
        lines.starts_with("t.hbs:1:1: warning: the sample answer holds no data"),
        "{lines}"
    );
}

#[test]
fn what_a_worker_shows_as_it_stands_is_printed_so() {
    let folder = folder(&[
        ("t.hbs", "<p>{{a}} here</p>"),
        ("blank.hbs", "\n{{#if b}}x{{/if}}\n"),
        ("d.json", r#"{"content": {"a": "Ada"}}"#),
        (
            "dossier.toml",
            "[worker]\ntemplate_answer_bytes_max = 1024\n",
        ),
    ]);
    let large = format!(r#"{{"content": {{"a": "{}"}}}}"#, "Ada ".repeat(300));
    std::fs::write(folder.path().join("large.json"), large).unwrap();
    for (line, says) in [
        (
            "--template blank.hbs --data d.json",
            "makes nothing of the answer",
        ),
        (
            "--template t.hbs --data large.json",
            "template_answer_bytes_max",
        ),
    ] {
        let (code, _, why) = run(folder.path(), &format!("render {line} -o out.pdf"));
        assert_eq!(code, Some(0), "{why}");
        assert!(why.contains(says), "{why}");
        let text = pdf::text(&folder.path().join("out.pdf"));
        assert!(text.contains("Ada") && text.contains("generic"), "{text}");
        assert!(
            !text.contains("here") && !text.contains("No Data Held"),
            "{text}"
        );
    }
}

#[test]
fn images_come_from_the_folder_of_attachments_and_from_nowhere_else() {
    let folder = folder(&[
        ("t.hbs", "{{{inlineAttachmentContent a}}}"),
        ("images/my photo.png", "abc"),
        ("images/deep/inner.png", "abc"),
        ("outside.png", "Hidden"),
    ]);
    let rendered = |url: &str| {
        let data =
            format!(r#"{{"content": {{"a": {{"contentType": "image/png", "url": "{url}"}}}}}}"#);
        std::fs::write(folder.path().join("d.json"), data).unwrap();
        let line = "render --template t.hbs --data d.json --attachments images -o -";
        run(folder.path(), line)
    };
    let (code, html, why) = rendered("http://localhost/x/my%20photo.png?size=1#a");
    assert_eq!(
        (code, html.as_str()),
        (Some(0), "data:image/png;base64,YWJj"),
        "{why}"
    );
    for url in [
        "http://localhost/..%2Foutside.png",
        "http://localhost/%2e%2e",
        "http://localhost/deep%2Finner.png",
        "http://localhost/",
        "http://localhost/nowhere.png",
    ] {
        let (code, _, why) = rendered(url);
        assert_eq!(code, Some(1), "{url}");
        assert!(!why.contains(url), "{why}");
    }
    std::os::unix::fs::symlink("../outside.png", folder.path().join("images/link.png")).unwrap();
    assert_eq!(rendered("http://localhost/link.png").0, Some(1));
}
