use std::path::PathBuf;

use crate::support::{beginnings, folded, written, written_content, written_with};

#[test]
fn texts_of_many_scripts_can_be_read_in_their_order() {
    for text in [
        "Nguyễn Thị Hạnh, Łukasz Żółć, Þórður",
        "Καλημέρα κόσμε, Ὀδυσσεύς",
        "Здравствуй, мир; Ґанок",
        "office affluent fjord ﬁ waffle",
        "السلام عليكم",
        "لا إله إلا الله على",
        "هذا نص عربي طويل بما يكفي لكي يلتف على أكثر من سطر واحد في العمود المخصص للقيمة داخل التقرير",
        "می‌خواهم بروم",
        "שלום עולם",
        "e\u{301}tude a\u{308} n\u{303}",
        "x² ½ № ™",
    ] {
        let report = written_content(&serde_json::json!({"v": text, "end": "."}).to_string());
        report.assert_shows(text);
        assert_eq!(report.summary.unsupported_characters, 0, "{text}");
    }
}

#[test]
fn vowel_points_stay_with_their_letters() {
    let report = written_content(r#"{"v":"בְּרֵאשִׁית"}"#);
    let body = report.body();
    for letter in [
        'ב', 'ר', 'א', 'ש', 'י', 'ת', '\u{5b0}', '\u{5bc}', '\u{5b5}', '\u{5b4}', '\u{5c1}',
    ] {
        assert!(body.contains(letter), "{letter:?} is not in {body}");
    }
}

#[test]
fn both_directions_share_a_line() {
    let text = "العنوان 12 High Street في لندن";
    let report = written_content(&serde_json::json!({ "v": text }).to_string());
    for word in text.split(' ') {
        report.assert_shows(word);
    }
    report.assert_shows("High Street");
}

#[test]
fn a_character_without_a_font_is_shown_and_counted() {
    let report = written_content(r#"{"v":"東京 tower 京都"}"#);
    report.assert_shows("東京 tower 京都");
    assert_eq!(report.summary.unsupported_characters, 4);
    report.assert_accessible();
}

#[test]
fn symbols_and_emoji_are_shown() {
    for text in [
        "home → court ⇒ prison ↔ ⟶",
        "☑ ☐ ✓ ✔ ✗ ★ ☎ ✉ ①②Ⓐ ♥",
        "x ≤ y ≠ z ∑ √2 ∞ ⌘ ⅓",
        "┌─┐│█▒ ■ ▲ ● ◆ ⬛ ⠃",
        "😀 👍 🎉 🙏 🚓 🦊 ❤",
    ] {
        let report = written_content(&serde_json::json!({ "v": text }).to_string());
        report.assert_shows(text);
        assert_eq!(report.summary.unsupported_characters, 0, "{text}");
        report.assert_accessible();
    }
}

#[test]
fn a_section_says_how_many_of_its_characters_cannot_be_shown() {
    let report = written(&[
        ("First", r#"{"content":{"v":"東京 tower","w":"都"}}"#),
        ("Second", r#"{"content":{"v":"all of it"}}"#),
        ("Third", r#"{"content":{"v":"都"}}"#),
    ]);
    let body = report.body();
    let many = "3 characters of this section cannot be shown in print: \u{fffd} stands in place of";
    let one = "1 character of this section cannot be shown in print: \u{fffd} stands in its place.";
    assert_eq!(body.matches(many).count(), 1, "{body}");
    assert_eq!(body.matches(one).count(), 1, "{body}");
    assert_eq!(body.matches("cannot be shown").count(), 2, "{body}");
    assert!(report.tagged_text().contains(one), "the note is tagged");
    report.assert_accessible();
}

#[test]
fn each_letter_of_right_to_left_text_is_a_piece_of_its_own() {
    // PDFium turns the letters of a piece round, and goes by the places of pieces.
    let pieces = |text: &str| {
        let report = written_content(&serde_json::json!({ "v": text }).to_string());
        report.plain().matches("]TJ[").count()
    };
    assert_eq!(pieces("Hello world, 42"), 0);
    let hebrew = "שלום עולם";
    assert!(pieces(hebrew) >= hebrew.replace(' ', "").chars().count());
}

/// A configured font, cut down to what the tests show.
fn fallback(file: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.join("tests/fonts").join(file)
}

#[test]
fn a_fallback_font_adds_a_script() {
    let body = r#"{"content":{"v":"สวัสดี"}}"#;
    let without = written_with(&[("Section", body)], &[]);
    assert_eq!(without.summary.unsupported_characters, 6);
    let with = written_with(&[("Section", body)], &[fallback("NotoSansThai-subset.ttf")]);
    assert_eq!(with.summary.unsupported_characters, 0);
    with.assert_shows("สวัสดี");
    with.assert_accessible();
}

#[test]
fn a_fallback_font_with_postscript_outlines_adds_chinese_japanese_and_korean() {
    let body =
        r#"{"content":{"姓名":"東京 tower 京都","v":"简体中文","w":"繁體漢字","x":"한국어 이름"}}"#;
    let with = written_with(&[("Section", body)], &[fallback("NotoSansCJK-subset.otf")]);
    assert_eq!(with.summary.unsupported_characters, 0);
    for shown in ["東京 tower 京都", "简体中文", "繁體漢字", "한국어 이름"] {
        with.assert_shows(shown);
        assert!(with.tagged_body().contains(shown), "{shown}");
    }
    with.assert_accessible();
}

#[test]
fn control_characters_are_shown_as_pictures() {
    let report = written_content(r#"{"v":"a\u0000b\u0007c\u001bd\u007fe\tf\ud800g"}"#);
    report.assert_shows("a\u{2400}b\u{2407}c\u{241b}d\u{2421}e f\u{fffd}g");
    report.assert_accessible();
}

#[test]
fn control_characters_beyond_ascii_can_be_copied_and_are_counted() {
    // Windows-1252's quotation marks and dash, read as ISO 8859-1.
    let text = "it\u{92}s \u{93}so\u{94} \u{96} \u{81}";
    let report = written_content(&serde_json::json!({ "v": text }).to_string());
    let body = report.body();
    assert!(body.contains(text), "{body:?}");
    assert!(report.tagged_body().contains(text));
    assert_eq!(report.summary.unsupported_characters, 5);
    report.assert_shows("5 characters of this section cannot be shown in print");
    report.assert_accessible();
}

#[test]
fn marks_that_a_letter_has_too_many_of_stay_in_the_text_and_off_the_other_rows() {
    for mark in ["\u{301}", "\u{323}", "\u{5b0}", "\u{489}"] {
        for marks in [50, 250] {
            let text = format!("a{}b", mark.repeat(marks));
            let content = serde_json::json!({"before": "Upper", "v": text, "after": "Lower"});
            let report = written_content(&content.to_string());
            let body = report.body();
            let shown = body.matches(mark).count();
            assert_eq!(shown, marks, "{mark:?}: {body}");
            let hidden = report.summary.unsupported_characters as usize;
            assert!((marks - 8..marks).contains(&hidden), "{mark:?}: {hidden}");
            report.assert_shows("Upper");
            report.assert_shows("Lower");
            report.assert_shows("characters of this section cannot be shown in print");
            report.assert_accessible();
        }
    }
}

#[test]
fn as_many_marks_as_languages_write_are_drawn() {
    for text in ["e\u{323}\u{302}\u{301}", "שּׁ\u{5b8}\u{596}\u{5bd}"] {
        let report = written_content(&serde_json::json!({ "v": text }).to_string());
        assert_eq!(report.summary.unsupported_characters, 0, "{text}");
    }
}

#[test]
fn a_soft_hyphen_is_seen_once_and_copied_once_beside_a_right_to_left_word() {
    let syllables = "Donau\u{ad}dampf\u{ad}schiff\u{ad}fahrts\u{ad}gesell\u{ad}schaft";
    let words = [syllables; 8].join(" ");
    for text in [words.clone(), format!("{words} שלום")] {
        let report = written_content(&serde_json::json!({ "v": text }).to_string());
        let body = report.body();
        assert_eq!(body.matches('\u{ad}').count(), 8 * 5, "{body}");
        assert!(!body.contains('-'), "{body}");
        let hyphens = report.hyphens(&beginnings(syllables));
        assert!(hyphens > 0, "no hyphen is seen: {body}");
        let tagged = folded(&report.tagged_body());
        assert!(tagged.contains(&folded(&text)), "{tagged}");
        report.assert_accessible();
    }
}
