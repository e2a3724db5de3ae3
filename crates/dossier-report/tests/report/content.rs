use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{beginnings, folded, scalars, written, written_content};

#[test]
fn every_scalar_of_nested_data_is_shown() {
    let content = r#"{
        "dateOfBirth": "1980-02-29", "isActive": true, "hasLeft": false, "nothing": null,
        "person": {"first_names": "Ada", "address": {"lines": ["1 High Street", "York"],
            "history": [{"from": "2001", "to": {"place": {"deep": {"deeper": "bottom"}}}}]}},
        "after": "a scalar after nested members",
        "mixed": [1, "two", [3, [4]], {"five": 5}, null, {}, []]
    }"#;
    let report = written_content(content);
    let mut expected = Vec::new();
    scalars(&serde_json::from_str(content).unwrap(), &mut expected);
    for value in &expected {
        report.assert_shows(value);
    }
    for shown in [
        "Date of birth 29 February 1980",
        "Is active Yes",
        "Has left No",
        "Nothing No Data Held",
        "First names Ada",
    ] {
        report.assert_shows(shown);
    }
    report.assert_well_formed();
}

#[test]
fn an_objects_scalars_come_before_its_nested_members() {
    let report = written_content(r#"{"first":"1","group":{"inner":"2"},"last":"3"}"#);
    report.assert_shows("First 1 Last 3 Group Inner 2");
}

#[test]
fn long_names_are_not_all_remembered_and_nothing_is_left_out() {
    // Five names of 60,000 bytes pass the limit of 256 KiB, four do not.
    for (groups, order) in [(4, "last"), (5, "group")] {
        let members: Vec<String> = (0..groups)
            .map(|n| format!(r#""{}{n}":{{"inner":"value-{n}"}}"#, "n".repeat(60_000)))
            .collect();
        let report = written_content(&format!(r#"{{{},"last":"scalar"}}"#, members.join(",")));
        let body = folded(&report.body());
        for n in 0..groups {
            assert!(
                body.contains(&format!("Innervalue-{n}")),
                "value-{n} is there"
            );
        }
        let (scalar, group) = (body.find("Lastscalar"), body.find("Innervalue-0"));
        let first = if scalar.unwrap() < group.unwrap() {
            "last"
        } else {
            "group"
        };
        assert_eq!(first, order, "{groups} long names");
    }
}

#[test]
fn a_list_repeats_only_the_beginning_of_a_long_name() {
    let name = format!("n{}", "o".repeat(1_000));
    let report = written_content(&format!(r#"{{"{name}":[["a"],["b"]]}}"#));
    let body = folded(&report.body());
    let name = format!("N{}", "o".repeat(239));
    for number in [1, 2] {
        assert!(
            body.contains(&format!("{name}…{number}"))
                || body.contains(&format!("{name}...{number}")),
            "{body}"
        );
    }
}

#[test]
fn what_is_empty_says_that_no_data_is_held() {
    for content in ["null", "{}", "[]", r#""""#, r#"" ""#] {
        written_content(content).assert_shows("Section No Data Held");
    }
    written(&[("Section", "{}")]).assert_shows("Section No Data Held");
    let report = written_content(r#"{"text":"","list":[],"object":{},"nothing":null}"#);
    for name in ["Text", "List", "Object", "Nothing"] {
        report.assert_shows(&format!("{name} No Data Held"));
    }
}

#[test]
fn numbers_are_shown_as_they_are_written() {
    let numbers = [
        "12345678901234567890123456789",
        "0.1000000000000000055511151231257827",
        "1E400",
        "-0",
        "1.50",
    ];
    let report = written_content(&format!("[{}]", numbers.join(",")));
    for number in numbers {
        report.assert_shows(number);
    }
}

#[test]
fn a_name_that_comes_twice_is_shown_twice() {
    let report = written_content(r#"{"alias":"Bob","alias":"Rob"}"#);
    report.assert_shows("Alias Bob Alias Rob");
}

#[test]
fn nesting_of_200_levels_is_shown_to_the_bottom() {
    for (open, close) in [("{\"a\":", "}"), ("[", "]"), ("[{\"b\":1,\"a\":", "}]")] {
        let content = format!("{}\"bottom\"{}", open.repeat(200), close.repeat(200));
        let report = written_content(&content);
        report.assert_shows("bottom");
        report.assert_well_formed();
    }
}

#[test]
fn objects_with_the_same_few_scalars_become_a_table() {
    let rows: Vec<String> = (0..5)
        .map(|n| {
            format!(
                r#"{{"alertCode":"X{n}","madeOn":"2024-05-0{}","open":null}}"#,
                n + 1
            )
        })
        .collect();
    let report = written_content(&format!("{{\"alerts\":[{}]}}", rows.join(",")));
    report.assert_shows(
        "Alerts Alert code Made on Open X0 01 May 2024 No Data Held X1 02 May 2024 No Data Held",
    );
}

#[test]
fn a_narrow_columns_words_are_not_broken() {
    let long = "a note that asks for all the width that there is, and for more lines still";
    let rows: Vec<String> = ["Vietnamese", "Automatic", "Interpretation"]
        .iter()
        .map(|word| {
            format!(
                r#"{{"n":1,"language":"{word}","acknowledgement":"x","note":"{long}","more":"{long}"}}"#
            )
        })
        .collect();
    let report = written_content(&format!("{{\"list\":[{}]}}", rows.join(",")));
    for word in [
        "Vietnamese",
        "Automatic",
        "Interpretation",
        "Acknowledgement",
    ] {
        assert!(report.body().contains(word), "{word} is broken");
    }
}

#[test]
fn a_row_that_does_not_fit_its_table_is_shown_below_it() {
    let mut rows: Vec<String> = (0..9_000)
        .map(|n| format!(r#"{{"code":"CODE{n}","number":{n}}}"#))
        .collect();
    rows.push(r#"{"code":"CODE9000","number":{"nested":"late"}}"#.to_owned());
    rows.push(r#"{"code":"CODE9001","number":9001}"#.to_owned());
    let report = written_content(&format!("[{}]", rows.join(",")));
    let body = folded(&report.body());
    for n in 0..=9_001 {
        assert!(body.contains(&format!("CODE{n}")), "row {n} is missing");
    }
    assert!(body.contains("Nestedlate"));
}

#[test]
fn a_long_text_is_shown_whole_and_in_order() {
    let words: Vec<String> = (0..40_000).map(|n| format!("word{n}")).collect();
    let text = words.join(" ");
    let report = written_content(&format!(r#"{{"note":"{text}","end":"after it"}}"#));
    report.assert_shows(&text);
    report.assert_shows("after it");
}

#[test]
fn a_word_longer_than_a_line_is_broken_and_not_cut() {
    let word: String = (0..30_000)
        .map(|n| char::from(b'a' + (n * 7 % 26) as u8))
        .collect();
    written_content(&format!(r#"{{"token":"{word}"}}"#)).assert_shows(&word);
}

#[test]
fn a_soft_hyphen_is_seen_only_where_a_line_ends() {
    let syllables = "Donau\u{ad}dampf\u{ad}schiff\u{ad}fahrts\u{ad}gesell\u{ad}schaft";
    let report = written_content(&format!(
        r#"{{"short":"Zucker\u00adguss","long":"{}"}}"#,
        [syllables; 8].join(" ")
    ));
    let body = report.body();
    let lines: Vec<&str> = body
        .lines()
        .filter(|line| line.contains("schiff"))
        .collect();
    assert!(lines.len() > 2, "{body}");
    assert_eq!(
        folded(&body)
            .matches("Donaudampfschifffahrtsgesellschaft")
            .count(),
        8,
        "{body}"
    );
    assert!(folded(&body).contains("Zuckerguss"));
    let hyphens = report.hyphens(&beginnings(syllables));
    let ends = lines.iter().filter(|line| line.ends_with('\u{ad}'));
    assert_eq!(hyphens, ends.count(), "{body}");
    assert!(
        (1..=lines.len()).contains(&hyphens),
        "{hyphens} hyphens at {} line ends",
        lines.len()
    );
}

#[test]
fn a_text_keeps_its_lines() {
    let report = written_content(r#"{"note":"first\nsecond\r\nthird\n\n\nfourth"}"#);
    let body = report.body();
    let lines: Vec<&str> = body
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(lines, ["Note first", "second", "third", "fourth"]);
}

#[test]
fn every_attachment_is_named_after_its_sections_content() {
    let body = r#"{"attachments":[
        {"attachmentNumber":7,"name":"Tom &amp;\u2003Jerry","contentType":"image/png",
         "url":"http://x/y","filesize":447,"filename":"a&#x2e;png","headers":null},
        {"odd":{"shape":"kept"}}],"content":{"key":"value"}}"#;
    let report = written(&[("Section", body)]);
    report.assert_shows(
        "Key value Attachment: 7 a.png - Tom & Jerry Content type image/png Size 447 bytes \
         Attachment content type image/png not supported: the file's content is not included in \
         this document.",
    );
    report.assert_shows("Attachment: 2 Odd Shape kept");
}

#[test]
fn attachments_without_content_follow_the_word_that_no_data_is_held() {
    let body = r#"{"content":null,"attachments":[{"attachmentNumber":1,"filename":"a.txt"}]}"#;
    written(&[("Section", body)]).assert_shows("Section No Data Held Attachment: 1 a.txt");
}

#[test]
fn names_are_cleaned_as_the_contract_says() {
    let cleaned =
        dossier_report::clean_name("&lt;a&gt;\u{3000}ﬁle\u{7}\r\n&#65;&#x42;&unknown; & b");
    assert_eq!(cleaned, "<a> fileAB&unknown; & b");
    for (name, cleaned) in [
        (
            "Caf&eacute;&Ccedil;&zwj;&alpha;&clubs;.pdf",
            "CaféÇ\u{200d}α♣.pdf",
        ),
        ("&NotEqualTilde;&nbsp;&emsp13;x", "\u{2242}\u{338}  x"),
        ("a&#150;b &#x80;", "a–b €"),
        ("?a=1&copy=2&amp;c=3", "?a=1&copy=2&c=3"),
        ("R&D; &#x110000; &", "R&D; \u{fffd} &"),
        ("a\u{202e}txt.exe\u{202c}", "atxt.exe"),
        (
            "\u{2066}a\u{2067}b\u{2068}c\u{2069}\u{202a}\u{202b}\u{202d}",
            "abc",
        ),
        ("&#x202E;fdp.exe", "fdp.exe"),
        ("می\u{200c}خواهم\u{200f}", "می\u{200c}خواهم\u{200f}"),
    ] {
        assert_eq!(dossier_report::clean_name(name), cleaned);
    }
}

#[test]
fn every_scalar_of_the_sample_responses_is_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/responses");
    // The samples are not part of the project; where they are absent, made-up data stands in.
    let Ok(files) = fs::read_dir(folder) else {
        return every_scalar_of_nested_data_is_shown();
    };
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let bodies: Vec<String> = files
        .iter()
        .map(|f| fs::read_to_string(f).unwrap())
        .collect();
    let sections: Vec<(&str, &str)> = bodies.iter().map(|body| ("Sample", &body[..])).collect();
    let report = written(&sections);
    let shown = folded(&report.body());
    for body in &bodies {
        let body: Value = serde_json::from_str(body).unwrap();
        let mut expected = Vec::new();
        scalars(&body["content"], &mut expected);
        for value in expected {
            assert!(shown.contains(&folded(&value)), "{value:?} is not shown");
        }
    }
    report.assert_well_formed();
}
