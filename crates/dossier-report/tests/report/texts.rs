//! Attached texts: plain, CSV, JSON, XML, HTML and e-mail, read.

use dossier_report::{Shown, limits};

use crate::attached::{UPRIGHT, assert_shown, attached, fixture, only, seen};
use crate::support::{Written, folded};

fn attached_text(name: &str, content_type: &str, text: impl Into<Vec<u8>>) -> Written {
    attached(&[(name, content_type, text.into())])
}

#[test]
fn a_text_is_shown_whole_and_keeps_its_lines() {
    let words: String = (0..30_000).map(|n| format!("word{n} ")).collect();
    let report = attached_text(
        "a.txt",
        "text/plain",
        format!("first\r\nsecond\n\n{words}end"),
    );
    assert_shown(&report, Shown::Whole);
    report.assert_shows(&words);
    assert!(report.body().contains("a.txt - a file\nfirst\nsecond\n"));
}

#[test]
fn character_sets_are_told_by_the_bytes() {
    let text = "Zoë paid £5 – “fine” שלום";
    let mut utf16 = b"\xff\xfe".to_vec();
    let mut utf16_big = b"\xfe\xff".to_vec();
    for unit in text.encode_utf16() {
        utf16.extend_from_slice(&unit.to_le_bytes());
        utf16_big.extend_from_slice(&unit.to_be_bytes());
    }
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    for bytes in [text.as_bytes().to_vec(), marked, utf16, utf16_big] {
        let report = attached_text("a.txt", "text/plain", bytes);
        assert_shown(&report, Shown::Whole);
        report.assert_shows("Zoë paid £5 – “fine”");
        assert!(!report.body().contains('\u{feff}'));
    }
    let windows = b"Zo\xeb paid \xa35 \x96 \x93fine\x94".to_vec();
    attached_text("a.txt", "text/plain", windows).assert_shows("Zoë paid £5 – “fine”");
    let russian = b"<html><meta charset=\"koi8-r\"><p>\xf0\xd2\xc9\xd7\xc5\xd4</p>".to_vec();
    attached_text("a.html", "text/html", russian).assert_shows("Привет");
}

#[test]
fn a_character_cut_by_a_buffer_is_whole() {
    for shift in 0..4 {
        let text = "x".repeat(shift) + &"€".repeat(70_000);
        let report = attached_text("a.txt", "text/plain", text.clone());
        assert_eq!(
            folded(&report.body()).matches('€').count(),
            70_000,
            "{shift}"
        );
    }
}

#[test]
fn values_that_fit_become_a_table() {
    for (sign, content_type) in [(",", "text/csv"), (";", "text/csv"), ("\t", "text/plain")] {
        let rows: Vec<String> = (0..100)
            .map(|n| [format!("A{n}"), format!("\"B {n}\""), n.to_string()].join(sign))
            .collect();
        let text = format!("Code{sign}Name{sign}Number\n{}\n", rows.join("\n"));
        let name = if sign == "\t" { "a.tsv" } else { "a.csv" };
        let content_type = if sign == "\t" {
            "application/octet-stream"
        } else {
            content_type
        };
        let report = attached_text(name, content_type, text);
        assert_shown(&report, Shown::Whole);
        report.assert_shows("Code Name Number A0 B 0 0 A1 B 1 1");
        let pages = report.pages();
        assert!(
            pages[5].contains("Code Name Number\n"),
            "the header row is repeated"
        );
        report.assert_shows("A99 B 99 99");
    }
}

#[test]
fn values_that_do_not_fit_become_rows() {
    let names: Vec<String> = (0..20).map(|n| format!("name{n}")).collect();
    let values: Vec<String> = (0..20).map(|n| format!("value{n}")).collect();
    let report = attached_text(
        "a.csv",
        "text/csv",
        format!("{}\n{}\n", names.join(","), values.join(",")),
    );
    assert_shown(&report, Shown::Whole);
    report.assert_shows("Row 2 name0 value0 name1 value1");
    report.assert_shows("name19 value19");

    let long = "long ".repeat(400);
    let uneven = format!(
        "a,b\n1,2\n3,4\n5,6\n{}7,\"{long}\"\n8,9,10\n11,12\n",
        "0,0\n".repeat(9)
    );
    let report = attached_text("a.csv", "text/csv", uneven);
    report.assert_shows("a b 1 2 3 4 5 6");
    report.assert_shows(&format!("Row 14 a 7 b {long}"));
    report.assert_shows("Row 15 a 8 b 9 Column 3 10 a b 11 12");
}

#[test]
fn json_is_shown_as_answers_are() {
    let report = attached_text(
        "a.json",
        "application/json",
        r#"{"dateOfBirth":"1980-02-29","x":{"y":[1]}}"#,
    );
    assert_shown(&report, Shown::Whole);
    report.assert_shows("Date of birth 29 February 1980 X Y • 1");
    let report = attached_text("a.json", "application/json", "{\"broken\": tru");
    assert_shown(&report, Shown::Whole);
    report.assert_shows("{\"broken\": tru");
}

#[test]
fn xml_is_shown_as_groups_and_rows() {
    let xml = r#"<?xml version="1.0" encoding="ISO-8859-1"?><!-- c --><person id="7">
        <firstName>Ad&#97; &amp; Co</firstName><empty/><address type="home"><line>1 <![CDATA[<High>]]> Street</line>
        </address>loose</person>"#;
    let report = attached_text("a.xml", "text/xml", xml);
    assert_shown(&report, Shown::Whole);
    report.assert_shows(
        "Person ID 7 First name Ada & Co Empty No Data Held Address Type home Line 1 <High> Street \
         loose",
    );
}

#[test]
fn hostile_xml_reads_nothing_and_grows_nothing() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "file of the host").unwrap();
    let outside = format!(
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file://{}\">]><x>a&e;b</x>",
        secret.path().display()
    );
    let report = attached_text("a.xml", "text/xml", outside);
    report.assert_shows("X a&e;b");
    assert!(!report.body().contains("file of the host"));
    let laughs: String = (1..30)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect();
    let report = attached_text(
        "a.xml",
        "text/xml",
        format!("<!DOCTYPE x [<!ENTITY l0 \"ha\">{laughs}]><x>&l29;</x>"),
    );
    report.assert_shows("&l29;");
    let deep = format!("{}{}", "<a>".repeat(60_000), "</a>".repeat(60_000));
    assert_shown(&attached_text("a.xml", "text/xml", deep), Shown::Whole);
    for broken in ["<a><b></a>", "<a", "", "<a b=c>"] {
        let report = attached_text("a.xml", "text/xml", broken);
        assert_eq!(only(&report.summary).shown, Shown::Whole);
    }
}

#[test]
fn xml_whose_entities_stay_names_is_kept_and_says_so() {
    let note = "They are shown by their names: what they stand for is not.";
    for xml in [
        "<!DOCTYPE x [<!ENTITY who \"Jane Smith\">]><x>&who;</x>",
        "<!DOCTYPE x [<!ENTITY who \"Jane Smith\">]><x by=\"&who;\"/>",
    ] {
        let report = attached_text("a.xml", "text/xml", xml);
        assert_shown(&report, Shown::Part);
        report.assert_shows("&who;");
        report.assert_shows(note);
        report.assert_shows("The file itself is kept beside this report.");
    }
    let own = "<!DOCTYPE x [<!ENTITY who \"Jane\">]><x by=\"&lt;\">&amp;&#65;</x>";
    let report = attached_text("a.xml", "text/xml", own);
    assert_shown(&report, Shown::Whole);
    assert!(!folded(&report.body()).contains(&folded(note)));
}

#[test]
fn a_drawing_in_xml_is_named_and_kept_whatever_it_is_declared_as() {
    for (head, declared) in [
        ("<svg xmlns='http://www.w3.org/2000/svg'>", ""),
        ("<svg>", "image/svg+xml"),
        (
            "\u{feff}<?xml version='1.0'?>\n<!-- a --> <svg:svg ",
            "application/xml",
        ),
        (
            "<!DOCTYPE svg [<!ENTITY a '>'>]><svg>",
            "application/octet-stream",
        ),
        ("<!DOCTYPE svg PUBLIC 'x' 'y'>\n<svg/>", ""),
    ] {
        let drawing = format!("{head}<text>source</text></svg>");
        let bytes = drawing.len();
        let report = attached_text("a", declared, drawing);
        assert_shown(&report, Shown::NameOnly);
        report.assert_shows(&format!("Size {bytes} bytes"));
        report.assert_shows("Attachment content type image/svg+xml not supported.");
        assert!(!report.body().contains("source"), "{declared}");
    }
    for (text, declared) in [
        ("<p>about <svg></p>", ""),
        ("<svgs>x</svgs>", "text/xml"),
        ("<svg>", "text/plain"),
        ("<!-- <svg>", ""),
    ] {
        assert_shown(&attached_text("a", declared, text), Shown::Whole);
    }
}

#[test]
fn of_html_the_text_is_shown() {
    let html = "<!DOCTYPE html><html><head><title>A &amp; B</title><style>p{color:red}</style>\
        <script>alert('never')</script></head><body><h1>Head</h1><p>One <b>two</b>\n three<br>four\
        <ul><li>first<li>second</ul><table><tr><th>Name<th>Age<tr><td>Ada<td>36</table>\
        <pre>kept\n  as it is</pre><img src='http://evil/x.png' alt='a picture'>\
        <iframe src='file:///etc/passwd'>old</iframe><!-- hidden -->last";
    let report = attached_text("a.html", "text/html", html);
    assert_shown(&report, Shown::Part);
    report.assert_shows(
        "A & B Head One two three four • first • second Name Age Ada 36 kept as it is \
         [a picture] last The file is a web page: its text is shown",
    );
    for word in ["never", "color", "hidden", "passwd"] {
        assert!(!report.body().contains(word), "{word}");
    }
}

#[test]
fn links_of_a_page_say_where_they_lead() {
    let html = "<p>See <a href=' https://example.org/a?b=1&amp;c=2 '>the page</a>, \
        <a href=https://example.org/>https://example.org/</a>, \
        <a href='mailto:ada@example.org'>Ada</a>, <a href='#top'>up</a>, <a name=here>here</a>, \
        <a href='javascript:alert(1)'>press</a>, <a href='b.html'>beside</a>.\
        <p><a href='HTTPS://example.org/never-closed'>one<p>two<p>three<p>end";
    let report = attached_text("a.html", "text/html", html);
    report.assert_shows(
        "See the page (https://example.org/a?b=1&c=2), https://example.org/, Ada \
         (ada@example.org), up, here, press, beside. \
         one (HTTPS://example.org/never-closed) two three end",
    );
    // A parser opens what is never closed in every paragraph again.
    let html = format!(
        "<a href='https://example.org/{}'>{}",
        "x".repeat(3_900),
        "<p>".repeat(50_000) + "bottom"
    );
    let report = attached_text("a.html", "text/html", html);
    report.assert_shows("bottom");
    assert!(folded(&report.body()).matches('x').count() < 4_000);
}

#[test]
fn hostile_html_is_harmless() {
    for html in [
        "<div>".repeat(200_000) + "bottom",
        "<table><tr><td>".repeat(20_000) + "bottom",
        "<p ".to_owned() + &"a=b ".repeat(50_000) + ">bottom",
        "<script>".to_owned() + &"<script>".repeat(10_000) + "</script>bottom",
        "bottom<script>never closed ".to_owned() + &"x".repeat(100_000),
        "bottom&#0;&#x110000;&#xD800;</".to_owned(),
    ] {
        let report = attached_text("a.html", "text/html", html);
        assert_shown(&report, Shown::Part);
        report.assert_shows("bottom");
    }
}

#[test]
fn an_e_mail_is_shown_with_its_attachments() {
    let picture = base64(&fixture("rgb.png"));
    let mail = format!(
        "From: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>\r\nTo: Ada <ada@example.org>,\r\n Bob <b@example.org>\r\n\
         Subject: =?iso-8859-1?Q?=A35_please?=\r\nDate: Tue, 3 Feb 2026 10:00:00 +0000\r\n\
         X-Origin: wing 4\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n\
         --outer\r\nContent-Type: text/plain; charset=windows-1252\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\nPlease pay =A35=\r\n today.\r\n\
         --outer\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"photo.png\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{picture}\r\n\
         --outer\r\nContent-Type: message/rfc822\r\n\r\n\
         From: inner@example.org\r\nSubject: Inner\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n\
         --inner\r\n\r\nInner text\r\n--inner\r\nContent-Type: text/csv\r\n\
         Content-Disposition: attachment; filename=a.csv\r\n\r\nh1,h2\r\nv1,v2\r\nv3,v4\r\n--inner--\r\n\
         --outer--\r\n"
    );
    let report = attached_text("a.eml", "message/rfc822", mail);
    assert_shown(&report, Shown::Whole);
    for shown in [
        "From Zoë <zoe@example.org> To Ada <ada@example.org>, Bob <b@example.org>",
        "Subject £5 please",
        "Please pay £5 today.",
        "X-Origin wing 4",
        "Attachment of the e-mail: 1 photo.png",
        "Attachment of the e-mail: 2",
        "From inner@example.org Subject Inner Inner text",
        "Attachment of the e-mail: 1 a.csv h1 h2 v1 v2 v3 v4",
    ] {
        report.assert_shows(shown);
    }
    assert_eq!(seen(&report, 6).corners(), UPRIGHT);
}

#[test]
fn e_mails_within_e_mails_come_to_an_end() {
    let mut mail = "Subject: bottom\r\n\r\ntext\r\n".to_owned();
    for n in 0..40 {
        mail = format!(
            "Subject: level {n}\r\nContent-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n\
             Content-Type: application/octet-stream\r\n\
             Content-Disposition: attachment; filename=m.eml\r\n\r\n{mail}\r\n--b{n}--\r\n"
        );
    }
    let report = attached_text("a.eml", "message/rfc822", mail);
    assert_shown(&report, Shown::Part);
    report.assert_shows("It is not shown because it lies too deep in e-mails within e-mails.");
    let many = (0..limits::MAIL_ATTACHMENTS_MAX + 5)
        .map(|n| {
            format!("--b\r\nContent-Disposition: attachment; filename=f{n}\r\n\r\ntext {n}\r\n")
        })
        .collect::<String>();
    let mail =
        format!("Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{many}--b--\r\n");
    let report = attached_text("a.eml", "message/rfc822", mail);
    assert_shown(&report, Shown::Part);
    report.assert_shows("Only the first 500 attachments are shown.");
}

#[test]
fn what_is_not_supported_is_named_with_type_and_size() {
    for (bytes, declared, named) in [
        (&b"ID3\x04 and then music"[..], "audio/mpeg", "audio/mpeg"),
        (b"\0\0\0\x18ftypmp42 and frames", "video/mp4", "video/mp4"),
        (
            b"PK\x03\x04 and files",
            "application/zip",
            "application/zip",
        ),
        (
            b"\x01\x02\0\x03 anything",
            "application/x-odd",
            "application/x-odd",
        ),
        (b"\x01\x02\0\x03 anything", "", "unknown"),
    ] {
        let report = attached(&[("file", declared, bytes.to_vec())]);
        assert_shown(&report, Shown::NameOnly);
        let declared = if declared.is_empty() {
            "Not known"
        } else {
            declared
        };
        report.assert_shows(&format!(
            "Attachment: 1 file - a file Content type {declared} Size {} bytes Attachment content \
             type {named} not supported. The file itself is kept beside this report.",
            bytes.len()
        ));
    }
}

#[test]
fn an_empty_file_is_said_to_be_empty() {
    for (name, content_type) in [("a.txt", "text/plain"), ("a.csv", "text/csv"), ("a", "")] {
        let report = attached_text(name, content_type, "");
        assert_shown(&report, Shown::Whole);
        report.assert_shows("The file is empty.");
    }
}

#[test]
fn any_bytes_as_any_type_never_cost_the_report() {
    let mut seed = 3_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    let types = [
        "text/plain",
        "text/csv",
        "application/json",
        "text/xml",
        "text/html",
        "message/rfc822",
        "application/pdf",
        "application/rtf",
        "image/png",
        "",
    ];
    let words: [&[u8]; 24] = [
        b"<",
        b">",
        b"</",
        b"<a b='",
        b"&",
        b";",
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b",",
        b":",
        b"\r\n",
        b"\r\n\r\n",
        b"--b",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"<!--",
        b"<![CDATA[",
        b"<script>",
        b"\xff\xfe",
        b"\xe2\x82",
        b"1 0 obj<</Type/Page>>",
        b"text ",
    ];
    let starts: [&[u8]; 8] = [
        b"",
        b"%PDF-1.7\n",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"II*\0",
        b"RIFF....WEBP",
        b"PK\x03\x04",
    ];
    let mut files = Vec::new();
    for content_type in types.iter().cycle().take(600) {
        let mut bytes = starts[random(starts.len()) * random(2)].to_vec();
        for _ in 0..random(60) {
            match random(4) {
                0 => bytes.push(random(256) as u8),
                _ => bytes.extend_from_slice(words[random(words.len())]),
            }
        }
        files.push(("file", *content_type, bytes));
    }
    let report = attached(&files);
    assert_eq!(report.summary.attachments.len(), files.len());
    report.assert_accessible();
}

#[test]
fn the_same_attachments_give_the_same_bytes() {
    let files = [
        ("a.png", "image/png", fixture("alpha.png")),
        ("a.tif", "image/tiff", fixture("three.tif")),
        ("a.csv", "text/csv", b"a,b\n1,2\n3,4\n".to_vec()),
        ("a.pdf", "application/pdf", attached(&[]).bytes()),
    ];
    assert!(attached(&files).bytes() == attached(&files).bytes());
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let word = group
            .iter()
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for nth in 0..4 {
            let sign = SIGNS[(word >> (18 - 6 * nth)) as usize & 63];
            out.push(if nth > group.len() {
                '='
            } else {
                char::from(sign)
            });
        }
    }
    out
}

/// An e-mail that says this as plain text and this as a web page.
fn alternatives(plain: &str, html: &str) -> String {
    format!(
        "From: a@example.org\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\n{plain}\r\n\
         --b\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b--\r\n"
    )
}

#[test]
fn an_e_mail_that_says_two_things_shows_both() {
    let note = "The e-mail is a web page: its text is shown, its images and its looks are not.";
    let mail = alternatives("Come at ten.", "<p>Come at <b>eleven</b>.</p>");
    let report = attached_text("a.eml", "message/rfc822", mail);
    assert_shown(&report, Shown::Part);
    report.assert_shows(&format!(
        "The e-mail as plain text Come at ten. The e-mail as a web page Come at eleven. {note}"
    ));
    let mail = alternatives("Come\r\n at  eleven.", "<p>Come at <b>eleven</b>.</p>");
    let report = attached_text("a.eml", "message/rfc822", mail);
    assert_shown(&report, Shown::Part);
    report.assert_shows(&format!("Come at eleven. {note}"));
    let body = report.body();
    assert_eq!(body.matches("eleven").count(), 1, "{body}");
    assert!(!body.contains("as plain text"), "{body}");
}
