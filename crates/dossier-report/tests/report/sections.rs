//! What becomes of the HTML that a service's template makes of its answer.

use std::fmt::Write;
use std::fs;

use dossier_report::{Fonts, Output, SectionBody, VolumeLimits, write_files};
use proptest::prelude::*;

use crate::attached::{attached, fixture};
use crate::structure::{Element, File, section};
use crate::support::{
    Written, accessible, drawn, folded, headings as headings_in, report, section as section_of,
    written_html, written_html_under,
};

/// Bytes as base64.
pub fn base64(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            text.push(match place <= chunk.len() {
                true => char::from(digits[(bits >> (18 - 6 * place)) as usize & 63]),
                false => '=',
            });
        }
    }
    text
}

fn picture(name: &str, attributes: &str) -> String {
    let kind = name.rsplit('.').next().unwrap();
    let data = base64(&fixture(name));
    format!(r#"<img src="data:image/{kind};base64,{data}" {attributes}/>"#)
}

/// A section with every construct that `docs/section-html.md` names.
fn every_construct() -> String {
    format!(
        r#"<style>p {{ color: red }}</style><h1 class="title">Everything</h1>
        <p>A paragraph with <b>bold</b>, <strong>strong</strong><br>and a second line.</p>
        <h2>Person</h2>
        <table class="summary-list">
          <tr><td>Name</td><td>Ada <b>Lovelace</b></td></tr>
          <tr><td>Photo</td><td>{photo}</td></tr>
          <tr><td>Visits</td><td><table class="data-table"><tr><td>Day</td></tr><tr><td>Mon</td></tr></table></td></tr>
        </table>
        <h3>Alerts</h3>
        <table class="data-table"><tr><th class="data-column-20">Code</th><th>Comment</th></tr>
          <tr><td>X1</td><td>first
          second</td></tr><tr><td>X2</td><td>{photo}</td></tr></table>
        <h4>Lists</h4>
        <ul><li>one<ol start="3"><li>three</li><li>four<ul><li>deep</li></ul></li></ol></li>
          <li><p>two</p><p>more of two</p></li></ul>
        <h5>Plain tables</h5>
        <table><caption>Money</caption><thead><tr><th>Who</th><th colspan="2">Amounts</th></tr></thead>
          <tbody><tr><td rowspan="2">Ada</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></tbody></table>
        <table><tr><td>top left</td><td>top right</td></tr><tr><td>low left</td><td>low right</td></tr></table>
        <div class="page-break"></div><div style="page-break-before: always;">&pound;5 &amp; more</div>
        <pre>kept
  as it is</pre>{photo}<div>the end</div>"#,
        photo = picture("rgb.png", r#"alt="A face" height="40" width="30""#),
    )
}

#[test]
fn every_construct_is_shown_in_its_order() {
    let report = written_html(&every_construct());
    report.assert_shows(
        "Section Everything A paragraph with bold, strong and a second line. Person \
         Name Ada Lovelace Photo Visits Day Mon Alerts Code Comment X1 first second X2",
    );
    report.assert_shows(
        "Lists • one 3. three 4. four • deep • two more of two Plain tables Money Who Amounts \
         Ada 1 2 3 4 top left top right low left low right £5 & more kept as it is the end",
    );
    assert!(!report.body().contains("the answer itself"));
    assert_eq!(drawn(&report.path()), 3);
}

#[test]
fn a_checker_of_pdf_ua_finds_nothing_in_any_construct() {
    written_html(&every_construct()).assert_accessible();
}

#[test]
fn headings_paragraphs_and_lists_are_what_the_structure_says() {
    let report = written_html(
        "<h1>One</h1><p>text</p><h3>gap</h3><h5>deep</h5><ul><li>a</li></ul>\
         <table class='summary-list'><tr><td>n</td><td>v</td></tr></table>",
    );
    let root = Element::root(&report);
    assert_eq!(
        section(&root).roles(),
        ["H1", "H2", "P", "H3", "H4", "L", "Table"]
    );
}

#[test]
fn a_title_that_repeats_the_label_is_shown_once() {
    for title in ["<h1 class='title'>Key  worker</h1>", "<h2>key worker</h2>"] {
        let report = written_html_under("Key worker", &format!("{title}<p>text</p>"));
        assert_eq!(folded(&report.body()), "Keyworkertext");
        assert_eq!(section(&Element::root(&report)).roles(), ["H1", "P"]);
    }
}

#[test]
fn a_title_of_the_templates_own_stands_below_the_label() {
    let report = written_html_under("Notes service", "<div class='title'>Case notes</div><p>x");
    assert_eq!(folded(&report.body()), "NotesserviceCasenotesx");
    assert_eq!(section(&Element::root(&report)).roles(), ["H1", "H2", "P"]);
    let outline = report.structure("outlines").to_string();
    assert!(outline.contains("Notes service"), "{outline}");
}

#[test]
fn a_title_that_comes_later_is_a_heading() {
    let report = written_html("<p>first</p><h1 class='title'>Late</h1><p>text</p>");
    let roles = Element::root(&report);
    assert_eq!(section(&roles).roles(), ["H1", "P", "H2", "P"]);
}

#[test]
fn a_template_that_printed_nothing_says_that_no_data_is_held() {
    for html in [
        "",
        "  \n",
        "<div><p>&nbsp;</p></div>",
        "<table><tr><td> </td></tr></table>",
    ] {
        let report = written_html(html);
        assert_eq!(folded(&report.body()), "SectionNoDataHeld", "{html}");
    }
}

#[test]
fn bold_words_are_in_the_bold_face_and_stay_one_text() {
    let report = written_html("<p>plain <b>bo</b>ld שלום <b>עולם</b></p>");
    assert_eq!(
        folded(&report.body()),
        "SectionplainboldשלוםעולםF".trim_end_matches('F')
    );
    let content = String::from_utf8_lossy(&report.content_bytes()[3]).into_owned();
    let paragraph = content.split("/P<</MCID").nth(1).unwrap().to_owned();
    let paragraph = paragraph.split("EMC").next().unwrap();
    assert!(paragraph.contains("/F1 10.5 Tf"), "{paragraph}");
    let plain = written_html("<p>plain bold</p>");
    let content = String::from_utf8_lossy(&plain.content_bytes()[3]).into_owned();
    assert!(!content.contains("/F1 10.5 Tf"), "{content}");
}

#[test]
fn a_long_text_with_bold_parts_is_shown_whole() {
    let mut html = String::from("<p>");
    let mut text = String::new();
    for n in 0..20_000 {
        write!(html, "w{n} <b>b{n}</b> ").unwrap();
        write!(text, "w{n}b{n}").unwrap();
    }
    let report = written_html(&html);
    assert_eq!(folded(&report.body()), format!("Section{text}"));
}

#[test]
fn white_space_is_folded_as_browsers_do_it() {
    let report = written_html(
        "<p>  one\n\n two</p>\n<p>soft&shy;hyphen</p><pre>a\n   b</pre>\
         <p>ten&nbsp;pounds</p><p>x<br><br>y</p>",
    );
    let body = report.body();
    let lines: Vec<&str> = body.lines().collect();
    assert_eq!(
        lines[..3],
        ["Section", "one two", "soft\u{ad}hyphen"],
        "{body}"
    );
    assert!(report.word("b").left > report.word("a").left + 5.0);
}

#[test]
fn page_breaks_make_no_empty_pages() {
    let report = written_html(
        "<div class='page-break'></div><p>one</p><div class='page-break'></div>\
         <div style='COLOR:red; Page-Break-Before : always'></div><p>two</p>\
         <p style='page-break-after: always'>still two</p><p>three</p><div class='page-break'></div>",
    );
    let pages = report.pages();
    let texts: Vec<String> = pages[3..pages.len() - 1]
        .iter()
        .map(|page| folded(&crate::support::inner(page)))
        .collect();
    assert_eq!(texts, ["Sectionone", "twostilltwo", "three"]);
}

#[test]
fn a_heading_goes_with_what_follows_it_over_a_page_break() {
    let report = written_html("<p>one</p><h2>Head</h2><p class='page-break'>two</p>");
    assert_eq!(report.word("Head").page, report.word("two").page);
}

#[test]
fn images_have_the_size_that_the_template_gives_in_pixels() {
    let placed = |attributes: &str| -> Vec<f32> {
        let report = written_html(&picture("rgb.png", attributes));
        let content = String::from_utf8_lossy(&report.content_bytes()[3]).into_owned();
        let matrix = content.split(" q ").nth(1).unwrap().to_owned();
        let numbers = matrix.split(" cm").next().unwrap();
        numbers.split(' ').map(|n| n.parse().unwrap()).collect()
    };
    let natural = placed("alt='x'");
    let both = placed("width='200' height='100'");
    assert!((both[0] * 200.0 / 150.0 - both[0] / 0.75).abs() < 0.01);
    let width_only = placed("width='200px'");
    assert!((width_only[0] - both[0]).abs() < 0.01);
    let ratio = |matrix: &[f32]| matrix[0] / matrix[3];
    assert!((ratio(&width_only) - ratio(&natural)).abs() < 0.01);
    let huge = placed("width='9000' height='50'");
    assert!(huge[0] > both[0] && huge[0] < 600.0, "{huge:?}");
    let ignored = placed("width='null' height='null'");
    assert_eq!(ignored, natural);
}

#[test]
fn images_of_every_kind_are_shown_with_their_words() {
    let html: String = ["rgb.png", "baseline.jpg", "still.gif", "lossy.webp"]
        .map(|name| picture(name, &format!("alt='words of {name}'")))
        .concat();
    let report = written_html(&format!("<p>before{html}after</p>"));
    assert_eq!(drawn(&report.path()), 4);
    let file = File::of(&report);
    let alternatives: Vec<&str> = file
        .objects("/Figure")
        .map(|figure| figure["/Alt"].as_str().unwrap())
        .collect();
    assert!(
        alternatives.contains(&"u:words of still.gif"),
        "{alternatives:?}"
    );
    assert_eq!(folded(&report.body()), "Sectionbeforeafter");
}

#[test]
fn of_an_image_that_is_not_in_the_text_its_words_are_shown() {
    let report = written_html(
        "<p><img src='http://elsewhere.example/a.png' alt='a map'>\
         <img src='https://elsewhere.example/b.png'>\
         <img src='data:text/html;base64,PHA+' alt='a page'>\
         <img src='data:image/png;base64,AAAA' alt='a broken one'></p>",
    );
    report.assert_shows("[a map] [Image: not included in this report] [a page]");
    report.assert_shows("[a broken one: the image could not be shown because");
    assert_eq!(drawn(&report.path()), 0);
}

#[test]
fn what_a_template_says_in_place_of_an_image_is_shown() {
    let report = written_html("<p>before<img src='[it is no image]' alt='a map'>after</p>");
    report.assert_shows("before [it is no image] after");
    assert_eq!(drawn(&report.path()), 0);
}

#[test]
fn nothing_in_the_html_is_run_or_leads_elsewhere() {
    let report = written_html(
        "<script>alert('never-script')</script><style>never-style</style>\
         <iframe src='file:///etc/passwd'>never-frame</iframe><noframes>never-frames</noframes>\
         <a href='javascript:never-link()' onclick='never-click()'>a link</a>\
         <object data='http://never-object'>instead</object><svg><script>never-svg</script>\
         <text>drawn</text></svg><form action='http://never-form'><input value='filled in'>\
         <textarea>typed</textarea></form><link rel=stylesheet href='http://never-sheet'>\
         <template>stamped</template><!-- never-comment --><p>last</p>",
    );
    report.assert_shows("a link instead drawn [filled in] typed stamped last");
    let plain = report.plain();
    assert!(!plain.contains("never-"), "{plain}");
    assert!(!plain.contains("/URI") && !plain.contains("/JavaScript"));
}

#[test]
fn hostile_html_is_laid_out_in_the_end() {
    for html in [
        "<div>".repeat(100_000) + "bottom",
        "<table><tr><td>".repeat(20_000) + "bottom",
        "<ul><li>".repeat(20_000) + "bottom",
        "<b><i>".repeat(2_000) + &"<p>x".repeat(2_000) + "bottom",
        (0..5_000)
            .map(|n| format!("<font size={n}>"))
            .collect::<String>()
            + &"<p>x".repeat(2_000)
            + "bottom",
        "<p ".to_owned() + &(0..50_000).map(|n| format!("a{n}=b ")).collect::<String>() + ">bottom",
        "<table>".to_owned() + &"<p>stray<tr><td>cell".repeat(5_000) + "</table>bottom",
        "<table><tr><td colspan=1000 rowspan=1000>bottom".to_owned(),
        "</table></td></li><frameset><frame>bottom".to_owned(),
        "bottom&#0;&#x110000;&#xD800;\u{1}<".to_owned(),
    ] {
        let report = written_html(&html);
        report.assert_shows("bottom");
        report.assert_well_formed();
    }
}

#[test]
fn misnested_text_that_does_not_fit_in_memory_at_once_is_all_shown() {
    let rows: String = (0..30_000)
        .map(|n| format!("<tr><td><b>c{n}q<i>i{n}q</b>j{n}q</i></td></tr>s{n}q"))
        .collect();
    let report = written_html(&format!(
        "<b><span><p>start</b></span><table>{rows}</table>end"
    ));
    let body = folded(&report.body());
    for n in (0..30_000).step_by(7) {
        for kind in ["c", "i", "j", "s"] {
            let word = format!("{kind}{n}q");
            assert_eq!(body.matches(&word).count(), 1, "{word}");
        }
    }
}

#[test]
fn a_section_goes_on_in_the_next_volume_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let items: String = (0..400)
        .map(|n| format!("<li>item {n}<ul><li>inner</li></ul></li>"))
        .collect();
    let rows: String = (0..400)
        .map(|n| format!("<tr><td>r{n}</td><td>x</td></tr>"))
        .collect();
    let html = folder.path().join("section.html");
    let picture = picture("rgb.png", "alt='x'");
    fs::write(
        &html,
        format!("<ol>{items}</ol><table class='data-table'><tr><td>a</td><td>b</td></tr>{rows}</table>{picture}"),
    )
    .unwrap();
    let body = folder.path().join("body.json");
    fs::write(&body, "{}").unwrap();
    let output = Output {
        report: folder.path().join("report.pdf"),
        copy: Some(folder.path().join("copy.pdf")),
        limits: VolumeLimits {
            pages_max: Some(12),
            bytes_max: None,
        },
    };
    let body = SectionBody::Response {
        body,
        html: Some(html),
        labels: None,
        attachments: Vec::new(),
    };
    let written = write_files(
        &report(vec![section_of("Section", body)]),
        &Fonts::embedded().unwrap(),
        &output,
    )
    .unwrap();
    assert!(written.files.len() >= 6, "{written:?}");
    for file in &written.files {
        accessible(&file.path);
    }
    let summary = written.clone();
    let first = Written::new(folder, summary);
    first.assert_accessible();
}

#[test]
fn headings_in_a_later_volume_have_no_gap_and_stay_of_one_level() {
    let folder = tempfile::tempdir().unwrap();
    let headings: String = (0..600).map(|n| format!("<h4>h{n}</h4><p>x</p>")).collect();
    let html = folder.path().join("section.html");
    fs::write(&html, format!("<p class='title'>T</p>{headings}")).unwrap();
    let body = folder.path().join("body.json");
    fs::write(&body, "{}").unwrap();
    let output = Output {
        report: folder.path().join("report.pdf"),
        copy: None,
        limits: VolumeLimits {
            pages_max: Some(12),
            bytes_max: None,
        },
    };
    let body = SectionBody::Response {
        body,
        html: Some(html),
        labels: None,
        attachments: Vec::new(),
    };
    let report = report(vec![section_of("Section", body)]);
    let written = write_files(&report, &Fonts::embedded().unwrap(), &output).unwrap();
    assert!(written.files.len() >= 3, "{written:?}");
    let mut shown = 0;
    for file in &written.files {
        accessible(&file.path);
        let mut headings = headings_in(&file.path);
        headings.retain(|(level, text)| *level > 1 || text.starts_with("Section"));
        let (first, below): (&[(u8, &str)], u8) = match file.volume {
            1 => (&[(1, "Section"), (2, "T")], 3),
            _ => (&[(1, "Section (continued)")], 2),
        };
        for (heading, expected) in headings.drain(..first.len()).zip(first) {
            assert_eq!((heading.0, &heading.1[..]), *expected);
        }
        for heading in headings {
            assert_eq!(heading, (below, format!("h{shown}")));
            shown += 1;
        }
    }
    assert_eq!(shown, 600);
}

#[test]
fn attachments_follow_what_the_template_made() {
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body.json");
    let listed =
        r#"{"content":{"a":1},"attachments":[{"url":"x","filename":"a.txt","name":"note"}]}"#;
    fs::write(&body, listed).unwrap();
    let html = folder.path().join("section.html");
    fs::write(&html, "<p>made by the template</p>").unwrap();
    let note = folder.path().join("note");
    fs::write(&note, "the note's text").unwrap();
    let body = SectionBody::Response {
        body,
        html: Some(html),
        labels: None,
        attachments: vec![note],
    };
    let out = folder.path().join("report.pdf");
    let fonts = Fonts::embedded().unwrap();
    let summary =
        dossier_report::write_report(&report(vec![section_of("Section", body)]), &fonts, &out)
            .unwrap();
    Written::new(folder, summary)
        .assert_shows("made by the template Attachment: 1 a.txt - note the note's text");
}

#[test]
fn in_attached_web_pages_lists_keep_their_own_text() {
    let html = b"<ul><li>parent<ul><li>child</li></ul></li></ul>".to_vec();
    attached(&[("a.html", "text/html", html)]).assert_shows("• parent – child");
}

/// HTML with a mark for every word, well-nested or not.
fn html(tables: bool) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => Just("\u{1} ".to_owned()),
        1 => Just("<br>".to_owned()),
        1 => Just("</p>".to_owned()),
        1 => Just("</b>".to_owned()),
        1 => Just("<b>\u{1}<i>".to_owned()),
        1 => Just("&amp; ".to_owned()),
        1 => Just("<div class=page-break></div>".to_owned()),
    ];
    let flow = vec![
        "p",
        "div",
        "b",
        "span",
        "h1",
        "h2",
        "h5",
        "ul",
        "ol",
        "li",
        "pre",
        "h1 class=title",
        "blockquote",
        "select",
        "option",
        "a",
    ];
    let cells = vec![
        "table",
        "tr",
        "td",
        "th",
        "td colspan=2",
        "td rowspan=3",
        "thead",
        "caption",
        "table class=summary-list",
        "table class=data-table",
        "tbody",
        "td class=data-column-9",
    ];
    let names = match tables {
        true => [flow, cells].concat(),
        false => flow,
    };
    leaf.prop_recursive(6, 120, 6, move |inner| {
        let name = proptest::sample::select(names.clone());
        (name, prop::collection::vec(inner, 0..6)).prop_map(|(name, inner)| {
            let end = name.split(' ').next().unwrap_or_default();
            format!("<{name}>{}</{end}>", inner.concat())
        })
    })
}

fn numbered(html: &str) -> (String, usize) {
    let mut count = 0;
    let mut text = String::new();
    for c in html.chars() {
        if c == '\u{1}' {
            write!(text, "q{count}z").unwrap();
            count += 1;
        } else {
            text.push(c);
        }
    }
    (text, count)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_word_of_random_html_is_lost_or_shown_twice(html in html(false)) {
        let (html, words) = numbered(&html);
        let report = written_html(&html);
        let body = folded(&report.body());
        for n in 0..words {
            prop_assert_eq!(body.matches(&format!("q{n}z")).count(), 1, "{} in {}", n, html);
        }
        report.assert_well_formed();
    }

    #[test]
    fn no_word_of_random_tables_is_lost(html in prop::collection::vec(html(true), 1..4)) {
        let (html, words) = numbered(&html.concat());
        let report = written_html(&html);
        let body = folded(&report.body());
        for n in 0..words {
            let word = format!("q{n}z");
            prop_assert!(body.contains(&word), "{} of {} is not in {}", word, html, body);
        }
        Element::root(&report);
        report.assert_well_formed();
    }

    #[test]
    fn random_bytes_as_html_never_cost_the_report(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("section.html");
        fs::write(&page, &bytes).unwrap();
        let body = folder.path().join("body.json");
        fs::write(&body, "{}").unwrap();
        let body = SectionBody::Response { body, html: Some(page), labels: None, attachments: Vec::new() };
        let out = folder.path().join("report.pdf");
        let fonts = Fonts::embedded().unwrap();
        let report = report(vec![section_of("Section", body)]);
        prop_assert!(dossier_report::write_report(&report, &fonts, &out).is_ok());
    }
}
