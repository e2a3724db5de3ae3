//! Attached PDF files, looked at.

use std::fs;
use std::process::Command;

use dossier_report::{Shown, limits};
use serde_json::Value;

use crate::attached::{UPRIGHT, assert_shown, attached, only, seen};
use crate::support::{Written, written};

/// A PDF file of these objects, numbered from 1; the first is the catalogue.
fn pdf(objects: &[String]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (nth, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", nth + 1).as_bytes());
    }
    let start = out.len();
    out.extend_from_slice(
        format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).as_bytes(),
    );
    for place in &places {
        out.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
    }
    let size = places.len() + 1;
    let trailer = format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n");
    out.extend_from_slice(trailer.as_bytes());
    out
}

fn stream(dict: &str, data: &str) -> String {
    format!(
        "<<{dict}/Length {}>>\nstream\n{data}\nendstream",
        data.len()
    )
}

/// Red, green, blue and yellow in the quarters of a rectangle.
fn quarters(x: i32, y: i32, width: i32, height: i32) -> String {
    let (w, h) = (width / 2, height / 2);
    format!(
        "1 0 0 rg {x} {top} {w} {h} re f 0 .8 0 rg {right} {top} {w} {h} re f \
         0 0 1 rg {x} {y} {w} {h} re f 1 1 0 rg {right} {y} {w} {h} re f",
        top = y + h,
        right = x + w,
    )
}

/// A document of one page with these entries and this content.
fn one_page(entries: &str, content: &str) -> Vec<u8> {
    pages(&[(entries, content)], &[])
}

/// A document whose objects from number 3 are pages and their contents, followed by more objects.
fn pages(pages: &[(&str, &str)], more: &[String]) -> Vec<u8> {
    let kids: String = (0..pages.len())
        .map(|n| format!("{} 0 R ", 3 + 2 * n))
        .collect();
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        format!("<</Type/Pages/Kids[{kids}]/Count {}>>", pages.len()),
    ];
    for (nth, (entries, content)) in pages.iter().enumerate() {
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/Contents {} 0 R{entries}>>",
            4 + 2 * nth
        ));
        objects.push(stream("", content));
    }
    objects.extend_from_slice(more);
    pdf(&objects)
}

fn attached_pdf(bytes: Vec<u8>) -> Written {
    attached(&[("file.pdf", "application/pdf", bytes)])
}

/// The report of a document of one page, whose picture is on page 6.
fn attached_page(entries: &str, content: &str) -> Written {
    let report = attached_pdf(one_page(entries, content));
    assert_shown(&report, Shown::Whole);
    report
}

#[test]
fn pages_follow_behind_a_line_that_counts_them() {
    let box_of = "/MediaBox[0 0 300 400]";
    let content = quarters(0, 0, 300, 400);
    let report = attached_pdf(pages(&[(box_of, &content), (box_of, "")], &[]));
    assert_shown(&report, Shown::Whole);
    let pages = report.pages();
    assert_eq!(pages.len(), 8);
    assert!(pages[4].contains(
        "Attachment: 1\nfile.pdf - a file\nAttachment PDF content follows on subsequent 2 page(s)\n"
    ));
    assert_eq!(seen(&report, 6).corners(), UPRIGHT);
    assert_eq!(seen(&report, 7).coloured(), None);
    for page in &pages[4..7] {
        assert!(
            page.starts_with("Name: MUSTER, Erika\nNOMIS ID: A1234BC\n"),
            "{page}"
        );
    }
}

#[test]
fn pages_stay_vectors_whose_text_can_be_read() {
    let fonts = "/MediaBox[0 0 300 400]/Resources<</Font<</F1<</Type/Font/Subtype/Type1\
                 /BaseFont/Helvetica>>>>>>";
    let report = attached_page(fonts, "BT /F1 24 Tf 40 200 Td (Vectors stay text) Tj ET");
    report.assert_shows("Vectors stay text");
    assert!(!report.plain().contains("/Subtype /Image"));
}

#[test]
fn pages_are_centred_and_never_enlarged() {
    let report = attached_page("/MediaBox[0 0 200 100]", &quarters(0, 0, 200, 100));
    let [left, top, right, bottom] = seen(&report, 6).coloured().unwrap();
    assert!((right - left + 1).abs_diff(200) <= 1, "{left} {right}");
    assert!((bottom - top + 1).abs_diff(100) <= 1, "{top} {bottom}");
    assert!(((left + right) / 2).abs_diff(297) <= 1);

    let report = attached_page("/MediaBox[0 0 2000 1000]", &quarters(0, 0, 2_000, 1_000));
    let page = seen(&report, 6);
    let [left, top, right, bottom] = page.coloured().unwrap();
    assert!(
        left > 20 && right < 595 - 20 && right - left > 500,
        "{left} {right}"
    );
    assert!((right - left).abs_diff(2 * (bottom - top)) <= 2);
    assert_eq!(page.corners(), UPRIGHT);
}

#[test]
fn pages_are_turned_as_they_say() {
    let [red, green, blue, yellow] = UPRIGHT;
    for (turn, expected) in [
        (0, [red, green, blue, yellow]),
        (90, [blue, red, yellow, green]),
        (180, [yellow, blue, green, red]),
        (270, [green, yellow, red, blue]),
        (-90, [green, yellow, red, blue]),
        (450, [blue, red, yellow, green]),
    ] {
        let entries = format!("/MediaBox[0 0 200 100]/Rotate {turn}");
        let report = attached_page(&entries, &quarters(0, 0, 200, 100));
        let page = seen(&report, 6);
        assert_eq!(page.corners(), expected, "{turn}");
        let [left, top, right, bottom] = page.coloured().unwrap();
        assert_eq!(right - left > bottom - top, turn % 180 == 0, "{turn}");
    }
}

#[test]
fn only_what_the_crop_box_shows_is_seen() {
    for turn in [0, 90] {
        let entries = format!("/MediaBox[-100 -100 500 500]/CropBox[50 60 250 160]/Rotate {turn}");
        let everywhere = "1 0 1 rg -100 -100 600 600 re f ".to_owned();
        let report = attached_page(&entries, &(everywhere + &quarters(50, 60, 200, 100)));
        let page = seen(&report, 6);
        let [left, top, right, bottom] = page.coloured().unwrap();
        let sides = if turn == 0 { (200, 100) } else { (100, 200) };
        assert!((right - left + 1).abs_diff(sides.0) <= 2, "{left} {right}");
        assert!((bottom - top + 1).abs_diff(sides.1) <= 2, "{top} {bottom}");
        assert_ne!(page.corners()[0], "another");
    }
}

#[test]
fn contents_in_parts_and_inherited_resources_are_drawn() {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 200 100]/Resources\
         <</XObject<</Box 6 0 R>>>>>>"
            .to_owned(),
        "<</Type/Page/Parent 2 0 R/Contents[4 0 R 5 0 R]>>".to_owned(),
        stream("", "q"),
        stream("/Filter/ASCIIHexDecode", "2f426f7820446f2051>"),
        stream(
            "/Type/XObject/Subtype/Form/BBox[0 0 200 100]",
            &quarters(0, 0, 200, 100),
        ),
    ];
    let report = attached_pdf(pdf(&objects));
    assert_shown(&report, Shown::Whole);
    assert_eq!(seen(&report, 6).corners(), UPRIGHT);
}

#[test]
fn what_pages_share_is_copied_once() {
    let bitmap = "0".repeat(40_000);
    let image = "/Type/XObject/Subtype/Image/Width 200/Height 200/BitsPerComponent 8\
                 /ColorSpace/DeviceGray";
    let resources = "/MediaBox[0 0 200 200]/Resources<</XObject<</I 83 0 R>>>>";
    let all: Vec<(&str, &str)> = (0..40)
        .map(|_| (resources, "200 0 0 200 0 0 cm /I Do"))
        .collect();
    let report = attached_pdf(pages(&all, &[stream(image, &bitmap)]));
    assert_shown(&report, Shown::Whole);
    assert_eq!(report.plain().matches("/Subtype /Image").count(), 1);
}

/// Every dictionary of a file, streams' dictionaries included.
fn dictionaries(report: &Written) -> Vec<Value> {
    fn collect(value: &Value, found: &mut Vec<Value>) {
        match value {
            Value::Object(members) => {
                found.push(value.clone());
                members.values().for_each(|member| collect(member, found));
            }
            Value::Array(elements) => elements.iter().for_each(|e| collect(e, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(&report.structure("qpdf")["qpdf"], &mut found);
    found
}

#[test]
fn nothing_that_acts_reaches_the_report() {
    let script = "<</Type/Action/S/JavaScript/JS(app.alert\\(1\\))>>";
    let bare_script = "<</S/JavaScript/JS 12 0 R>>";
    let objects = [
        format!(
            "<</Type/Catalog/Pages 2 0 R/OpenAction {script}/AA<</WC {script}>>/AcroForm 8 0 R\
             /Names<</JavaScript<</Names[(a){script}]>>/EmbeddedFiles<</Names[(f)9 0 R]>>>>>>"
        ),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 4 0 R/AA<</O {script}>>\
             /Annots[6 0 R 7 0 R]/Resources<</XObject<</X 5 0 R/Evil 11 0 R>>\
             /Properties<</MC0<</Type/OCG/AF[9 0 R]/JS(x)>>/Act {bare_script}>>/Annots[6 0 R]>>>>"
        ),
        stream("", "/X Do"),
        stream(
            &format!(
                "/Type/XObject/Subtype/Form/BBox[0 0 200 100]/AA<</K {script}>>/AF[9 0 R]\
                 /PieceInfo<</P<</Private {script}>>>>/Metadata 12 0 R/Parent 3 0 R"
            ),
            &quarters(0, 0, 200, 100),
        ),
        format!("<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A {script}>>"),
        format!(
            "<</Type/Annot/Subtype/Widget/FT/Tx/T(field)/V(typed)/Rect[10 10 60 30]/A {script}\
             /AP<</N 13 0 R>>>>"
        ),
        "<</Fields[7 0 R]/XFA 12 0 R/NeedAppearances true>>".to_owned(),
        "<</Type/Filespec/F(virus.exe)/EF<</F 10 0 R>>>>".to_owned(),
        stream("/Type/EmbeddedFile", "MZ this is a program"),
        bare_script.to_owned(),
        stream("", "app.alert('secret')"),
        stream(
            &format!("/Type/XObject/Subtype/Form/BBox[0 0 50 20]/AA<</E {script}>>"),
            "1 0 1 rg 0 0 50 20 re f",
        ),
    ];
    let report = attached_pdf(pdf(&objects));
    assert_shown(&report, Shown::Part);
    assert_eq!(seen(&report, 6).corners()[1], "green");

    let dictionaries = dictionaries(&report);
    assert!(dictionaries.len() > 20);
    for dictionary in &dictionaries {
        for key in [
            "/JS",
            "/JavaScript",
            "/AA",
            "/OpenAction",
            "/AcroForm",
            "/EmbeddedFiles",
            "/EF",
            "/AF",
            "/XFA",
            "/Names",
            "/PieceInfo",
            "/FT",
        ] {
            assert!(dictionary.get(key).is_none(), "{key} in {dictionary}");
        }
        // The report's own, and no other.
        if dictionary["/Type"] != "/Catalog" {
            assert!(dictionary.get("/Metadata").is_none(), "{dictionary}");
        }
        for (key, value) in [
            ("/S", "/JavaScript"),
            ("/Type", "/Filespec"),
            ("/Type", "/EmbeddedFile"),
            ("/Subtype", "/Widget"),
        ] {
            assert_ne!(
                dictionary.get(key).and_then(Value::as_str),
                Some(value),
                "{dictionary}"
            );
        }
    }
    let plain = report.plain();
    for word in ["app.alert", "virus.exe", "MZ this"] {
        assert!(!plain.contains(word), "{word}");
    }
    report.assert_shows("The document has files inside it, which are not shown.");
    report.assert_shows("The document has a dynamic form, which is not shown.");
}

#[test]
fn resources_may_have_any_names() {
    // These words are left behind where they are keys of the standard.
    let names = ["JS", "AA", "Parent", "Metadata", "F"];
    let entries: String = names.iter().map(|name| format!("/{name} 5 0 R")).collect();
    let page = format!("/MediaBox[0 0 200 100]/Resources<</XObject<<{entries}>>>>");
    for name in names {
        let form = stream(
            "/Type/XObject/Subtype/Form/BBox[0 0 200 100]",
            &quarters(0, 0, 200, 100),
        );
        let report = attached_pdf(pages(&[(&page, &format!("/{name} Do"))], &[form]));
        assert_shown(&report, Shown::Whole);
        assert_eq!(seen(&report, 6).corners(), UPRIGHT, "{name}");
    }
}

#[test]
fn filled_fields_and_stamps_are_seen_as_they_look() {
    let form = |colour: &str| {
        stream(
            "/Type/XObject/Subtype/Form/BBox[0 0 10 10]",
            &format!("{colour} rg 0 0 10 10 re f"),
        )
    };
    let entries = "/MediaBox[0 0 200 100]/Annots[5 0 R 6 0 R 7 0 R]";
    let report = attached_pdf(pages(
        &[(entries, "")],
        &[
            "<</Type/Annot/Subtype/Widget/Rect[0 50 100 100]/FT/Btn/AS/On\
             /AP<</N<</On 8 0 R/Off 9 0 R>>>>>>"
                .to_owned(),
            "<</Type/Annot/Subtype/Stamp/Rect[100 0 200 50]/AP<</N 9 0 R>>>>".to_owned(),
            "<</Type/Annot/Subtype/Stamp/F 2/Rect[0 0 100 50]/AP<</N 8 0 R>>>>".to_owned(),
            form("1 0 0"),
            form("1 1 0"),
        ],
    ));
    assert_shown(&report, Shown::Whole);
    let page = seen(&report, 6);
    let [left, top, right, bottom] = page.coloured().unwrap();
    assert_eq!(
        page.corners_of([left, top, right, bottom]),
        ["red", "white", "white", "yellow"]
    );
    assert!((right - left + 1).abs_diff(200) <= 1);
}

#[test]
fn where_links_lead_is_told_behind_their_page() {
    let link = |action: &str| {
        format!("<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</Type/Action{action}>>>>")
    };
    let links = [
        "/S/URI/URI(https://example.org/a)",
        "/S/URI/URI(https://example.org/a)",
        "/S/URI/URI(mailto:erika@example.org)",
        "/S/URI/URI(javascript:alert\\(1\\))",
        "/S/URI/URI(file:///etc/passwd)",
        "/S/JavaScript/JS(http://script)",
    ]
    .map(link)
    .concat();
    let entries = format!("/MediaBox[0 0 200 100]/Annots[{links}]");
    let report = attached_page(&entries, "");
    report.assert_shows("Links of page 1 lead to: https://example.org/a mailto:erika@example.org");
    let body = report.body();
    for word in ["alert", "passwd", "script"] {
        assert!(!body.contains(word), "{body}");
    }
    assert_eq!(body.matches("https://example.org/a").count(), 1);
}

#[test]
fn notes_that_cannot_be_seen_on_a_page_are_said_to_be_missing() {
    let entries = "/MediaBox[0 0 200 100]/Annots[<</Type/Annot/Subtype/Text/Rect[0 0 9 9]\
                   /Contents(what the officer thought)>>]";
    let report = attached_pdf(one_page(entries, ""));
    assert_shown(&report, Shown::Part);
    report.assert_shows(
        "The document has notes or form fields whose texts are not part of its pages",
    );
}

#[test]
fn it_is_told_whether_all_fonts_are_embedded() {
    let own = written(&[("Section", "{\"content\":\"text\"}")]);
    let report = attached_pdf(own.bytes());
    assert_shown(&report, Shown::Whole);
    assert!(only(&report.summary).fonts_embedded);
    let report = attached_pdf(page_without_its_font());
    assert!(!only(&report.summary).fonts_embedded);
}

#[test]
fn a_file_that_holds_imported_pages_claims_no_standard() {
    let marked = "/P <</MCID 0>> BDC EMC";
    let report = attached_pdf(one_page("/MediaBox[0 0 200 100]", marked));
    assert_shown(&report, Shown::Whole);
    let bytes = String::from_utf8_lossy(&report.bytes()).into_owned();
    assert!(!bytes.contains("<pdfaid:part>") && !bytes.contains("<pdfuaid:part>"));
}

/// A document whose text is in a font that the file does not have.
pub fn page_without_its_font() -> Vec<u8> {
    let entries = "/MediaBox[0 0 200 100]/Resources<</Font<</F1 5 0 R>>>>";
    let font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned();
    pages(&[(entries, "BT /F1 9 Tf (x) Tj ET")], &[font])
}

#[test]
fn a_report_can_be_attached_to_a_report() {
    let own = written(&[("Section", "{\"content\":{\"name\":\"Ana שלום\"}}")]);
    let report = attached_pdf(own.bytes());
    assert_shown(&report, Shown::Whole);
    assert_eq!(report.summary.pages, 6 + own.summary.pages);
    report.assert_shows("End of Subject Access Request Report");
}

/// The file as qpdf writes it with these options.
fn rewritten(bytes: &[u8], options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["from.pdf", "to.pdf"].map(|name| folder.path().join(name));
    fs::write(&from, bytes).unwrap();
    let status = Command::new("qpdf")
        .args(options)
        .arg(&from)
        .arg(&to)
        .status();
    assert!(
        status
            .expect("qpdf is missing: install the package qpdf")
            .success()
    );
    fs::read(to).unwrap()
}

#[test]
fn encrypted_documents_are_opened_if_they_need_no_password() {
    let plain = one_page("/MediaBox[0 0 200 100]", &quarters(0, 0, 200, 100));
    for bits in ["40", "128", "256"] {
        let weak: &[&str] = if bits == "256" {
            &[]
        } else {
            &["--allow-weak-crypto"]
        };
        let open = [weak, &["--encrypt", "", "owner", bits, "--"]].concat();
        let report = attached_pdf(rewritten(&plain, &open));
        assert_shown(&report, Shown::Whole);
        assert_eq!(seen(&report, 6).corners(), UPRIGHT, "{bits}");
        assert!(!report.plain().contains("/Encrypt"));

        let closed = [weak, &["--encrypt", "user", "owner", bits, "--"]].concat();
        let report = attached_pdf(rewritten(&plain, &closed));
        assert_shown(&report, Shown::NameOnly);
        report.assert_shows(
            "This attachment could not be shown because the document can only be opened with a \
             password. The file itself is kept beside this report.",
        );
    }
}

#[test]
fn documents_of_every_packing_are_read() {
    let plain = one_page("/MediaBox[0 0 200 100]", &quarters(0, 0, 200, 100));
    for options in [
        &["--object-streams=generate"][..],
        &["--linearize"],
        &["--qdf"],
        &["--compress-streams=y", "--recompress-flate"],
    ] {
        let report = attached_pdf(rewritten(&plain, options));
        assert_shown(&report, Shown::Whole);
        assert_eq!(seen(&report, 6).corners(), UPRIGHT, "{options:?}");
    }
}

#[test]
fn broken_and_empty_documents_say_so_and_cost_only_their_page() {
    let whole = one_page("/MediaBox[0 0 200 100]", &quarters(0, 0, 200, 100));
    let nothing = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[]/Count 0>>".to_owned(),
    ]);
    let cases = [
        b"%PDF-1.7\n".to_vec(),
        b"%PDF-1.7\nnothing here but words".to_vec(),
        nothing,
        whole[..40].to_vec(),
        format!(
            "%PDF-1.7\n1 0 obj\n{}0{}\nendobj\n",
            "[".repeat(90_000),
            "]".repeat(90_000)
        )
        .into_bytes(),
        format!("%PDF-1.7\n1 0 obj\n{}\nendobj\n", "<</A ".repeat(90_000)).into_bytes(),
    ];
    for bytes in cases {
        let report = attached_pdf(bytes);
        assert_shown(&report, Shown::NameOnly);
        report.assert_shows("This attachment could not be shown because the");
    }
}

#[test]
fn objects_that_refer_to_themselves_come_to_an_end() {
    let entries = "/MediaBox[0 0 200 100]/Resources 5 0 R";
    let report = attached_pdf(pages(
        &[(entries, "/X Do")],
        &[
            "<</XObject<</X 6 0 R/Y 7 0 R>>/Font 5 0 R/Pattern 8 0 R>>".to_owned(),
            stream(
                "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources 5 0 R",
                "/X Do",
            ),
            "7 0 R".to_owned(),
            "[8 0 R [8 0 R 5 0 R]]".to_owned(),
        ],
    ));
    assert_eq!(report.summary.attachments.len(), 1);
    report.pages();
}

#[test]
fn changed_bytes_never_cost_the_report() {
    let own = written(&[("Section", "{\"content\":{\"name\":\"Ana\"}}")]).bytes();
    let plain = one_page(
        "/MediaBox[0 0 200 100]/Annots[<</Subtype/Stamp/Rect[0 0 9 9]/AP<</N 4 0 R>>>>]",
        &quarters(0, 0, 200, 100),
    );
    let mut seed = 11_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    let mut files = Vec::new();
    for (original, times) in [(&own, 60), (&plain, 240)] {
        for _ in 0..times {
            let mut bytes = original.clone();
            for _ in 0..=random(12) {
                let place = random(bytes.len());
                bytes[place] = random(256) as u8;
            }
            files.push(("file.pdf", "application/pdf", bytes));
        }
    }
    let report = attached(&files);
    assert_eq!(report.summary.attachments.len(), files.len());
    let shown = |shown: Shown| {
        let outcomes = report.summary.attachments.iter();
        outcomes.filter(|outcome| outcome.shown == shown).count()
    };
    assert!(shown(Shown::Whole) > 30 && shown(Shown::NameOnly) > 3);
    report.pages();
}

/// A zlib stream of zeros.
fn packed_zeros(bytes: usize) -> Vec<u8> {
    use std::io::Write;
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let piece = vec![0; 1 << 20];
    for _ in 0..bytes >> 20 {
        out.write_all(&piece).unwrap();
    }
    out.finish().unwrap()
}

#[test]
fn a_document_that_unpacks_to_gigabytes_is_refused() {
    let bomb = packed_zeros(limits::PDF_STRUCTURE_STREAM_BYTES_MAX as usize * 2);
    for kind in [
        "/Type/ObjStm/N 1/First 4",
        "/Type/XRef/W[1 2 1]/Size 9",
        "/Type/Obj#53tm/N 1/First 4",
    ] {
        let mut bytes = format!(
            "%PDF-1.7\n1 0 obj\n<<{kind}/Filter/FlateDecode/Length {}>>\nstream\n",
            bomb.len()
        )
        .into_bytes();
        bytes.extend_from_slice(&bomb);
        bytes.extend_from_slice(b"\nendstream\nendobj\nstartxref\n9\n%%EOF");
        let report = attached_pdf(bytes);
        assert_shown(&report, Shown::NameOnly);
        report.assert_shows("packed so densely that unpacking it would take too much memory.");
    }
}

#[test]
fn streams_without_ends_take_no_time() {
    // Every page's content is looked for the end of, through all that follows.
    let kids: String = (0..5_000).map(|n| format!("{} 0 R ", 3 + 2 * n)).collect();
    let mut bytes = format!(
        "%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n\
         2 0 obj\n<</Type/Pages/Kids[{kids}]/MediaBox[0 0 9 9]>>\nendobj\n"
    );
    for n in 0..5_000 {
        bytes.push_str(&format!(
            "{} 0 obj\n<</Type/Page/Parent 2 0 R/Contents {} 0 R>>\nendobj\n\
             {} 0 obj\n<</Length 9>>\nstream\nx\n",
            3 + 2 * n,
            4 + 2 * n,
            4 + 2 * n
        ));
    }
    bytes.push_str(&"es ".repeat(5_000_000));
    for end in ["", "endstream\nendobj\n"] {
        let bytes = format!("{bytes}{end}trailer\n<</Root 1 0 R>>\n").into_bytes();
        let began = std::time::Instant::now();
        let report = attached_pdf(bytes);
        assert_shown(&report, Shown::NameOnly);
        assert!(began.elapsed() < std::time::Duration::from_secs(20));
    }
}

#[test]
fn pages_over_the_limit_are_said_to_be_missing() {
    let all = vec![("/MediaBox[0 0 9 9]", ""); limits::PDF_PAGES_MAX + 1];
    let report = attached_pdf(pages(&all, &[]));
    assert_eq!(report.summary.pages as usize, limits::PDF_PAGES_MAX + 7);
    assert_eq!(only(&report.summary).shown, Shown::Part);
    report.assert_shows("The document has 20001 pages; only the first 20000 are shown.");
}

#[test]
fn a_page_whose_content_unpacks_to_gigabytes_says_so() {
    let part = packed_zeros(limits::PDF_PAGE_CONTENT_BYTES_MAX as usize + (1 << 20));
    let mut bytes = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n\
        2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n\
        3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents[4 0 R 4 0 R]>>\nendobj\n4 0 obj\n"
        .to_vec();
    bytes.extend_from_slice(
        format!("<</Filter/FlateDecode/Length {}>>\nstream\n", part.len()).as_bytes(),
    );
    bytes.extend_from_slice(&part);
    bytes.extend_from_slice(b"\nendstream\nendobj\ntrailer\n<</Root 1 0 R>>\n");
    let report = attached_pdf(bytes);
    assert_shown(&report, Shown::Part);
    report.assert_shows("Page 1 could not be shown because its content is longer than 64 MB.");
}

#[test]
fn forms_that_draw_each_other_without_end_are_not_taken_over() {
    let form = |next: usize| {
        let entries = format!(
            "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X {next} 0 R>>>>"
        );
        stream(&entries, &"/X Do ".repeat(10))
    };
    let page = "/MediaBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>";
    let many: Vec<String> = (6..20).map(form).chain([stream("", "")]).collect();
    for (forms, why) in [
        (many, "its drawings draw each other too often."),
        (vec![form(5)], "it has a drawing that draws itself."),
    ] {
        let report = attached_pdf(pages(&[(page, "/X Do")], &forms));
        assert_shown(&report, Shown::Part);
        report.assert_shows(&format!("Page 1 could not be shown because {why}"));
    }
}

#[test]
fn a_page_that_is_packed_twice_to_gigabytes_says_so() {
    use std::io::Write;
    let once = packed_zeros(limits::PDF_PAGE_CONTENT_BYTES_MAX as usize + (1 << 20));
    let mut twice = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    twice.write_all(&once).unwrap();
    let hex: String = twice
        .finish()
        .unwrap()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let packing = "/Filter[/ASCIIHexDecode/FlateDecode/FlateDecode]";
    let report = attached_pdf(pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>".to_owned(),
        stream(packing, &hex),
    ]));
    assert_shown(&report, Shown::Part);
    report.assert_shows("Page 1 could not be shown because its content is longer than 64 MB.");
}

#[test]
fn a_page_with_an_image_of_too_many_pixels_says_so_wherever_it_is() {
    let of = |width: u32, more: &str| {
        let entries = format!(
            "/Type/XObject/Subtype/Image/Width {width}/Height {width}/BitsPerComponent 1\
             /ColorSpace/DeviceGray{more}"
        );
        stream(&entries, "x")
    };
    let form = |resources: &str, content: &str| {
        stream(
            &format!("/Type/XObject/Subtype/Form/BBox[0 0 9 9]{resources}"),
            content,
        )
    };
    let pattern = |resources: &str, content: &str| {
        let entries = "/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 9 9]/XStep 9/YStep 9";
        stream(&format!("{entries}{resources}"), content)
    };
    let inline = "BI /W 1 /H 1 /BPC 1 /CS /G ID % EI q BI/Wi#64th 60000/H 60000/BPC 1 ID x EI Q";
    let jpeg = "<ffd8ffc0000b08ea60ea600101110000ffd9>";
    let own = "/Resources<</XObject<</I 6 0 R>>>>";
    let last = of(60_000, "");
    // What the page draws, its resources, and the objects 5 and 6.
    let cases = [
        (
            "/X Do",
            "/XObject<</X 6 0 R>>",
            "null".to_owned(),
            last.clone(),
        ),
        (
            "/X Do",
            "/XObject<</X 5 0 R>>",
            form(own, "/I Do"),
            last.clone(),
        ),
        (
            "/X Do",
            "/XObject<</X 5 0 R/I 6 0 R>>",
            form("", "/I Do"),
            last.clone(),
        ),
        (
            "/X Do",
            "/XObject<</X 5 0 R>>",
            of(8, "/SMask 6 0 R"),
            last.clone(),
        ),
        (
            "/Pattern cs /P scn 0 0 9 9 re f",
            "/Pattern<</P 5 0 R>>",
            pattern(own, "/I Do"),
            last.clone(),
        ),
        (
            "/Pattern cs /P scn 0 0 9 9 re f",
            "/Pattern<</P 5 0 R>>",
            pattern("/Resources<<>>", inline),
            "null".to_owned(),
        ),
        (
            "/G gs 0 0 9 9 re f",
            "/ExtGState<</G<</SMask<</S/Luminosity/G 5 0 R>>>>>>",
            form(own, "/I Do"),
            last.clone(),
        ),
        (
            "BT /F 9 Tf (a) Tj ET",
            "/Font<</F<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[1 0 0 1 0 0]\
             /Encoding<</Differences[97/a]>>/FirstChar 97/LastChar 97/Widths[9]\
             /CharProcs<</a 5 0 R>>>>>>",
            stream("", &format!("9 0 d0 {inline}")),
            "null".to_owned(),
        ),
        (inline, "", "null".to_owned(), "null".to_owned()),
        (
            "/X Do",
            "/XObject<</X 5 0 R>>",
            stream(
                "/Type/XObject/Subtype/Image/Width 8/Height 8/BitsPerComponent 8\
                 /ColorSpace/DeviceGray/Filter[/ASCIIHexDecode/DCTDecode]",
                jpeg.trim_start_matches('<'),
            ),
            "null".to_owned(),
        ),
    ];
    for (content, resources, fifth, sixth) in cases {
        let page = format!("/MediaBox[0 0 9 9]/Resources<<{resources}>>");
        let bytes = pages(&[(&page, content)], &[fifth, sixth]);
        let report = attached_pdf(bytes);
        assert_shown(&report, Shown::Part);
        report.assert_shows(
            "Page 1 could not be shown because an image on it has 60000 × 60000 pixels; at most \
             200 million are shown.",
        );
        report.assert_shows("The file itself is kept beside this report.");
        assert!(!report.plain().contains("/Width 60000"), "{content}");
    }
}

#[test]
fn only_the_page_that_draws_too_large_an_image_is_missing() {
    let resources = "/MediaBox[0 0 200 100]/Resources<</XObject<</X 7 0 R>>>>";
    let quarters = quarters(0, 0, 200, 100);
    let image = stream(
        "/Type/XObject/Subtype/Image/Width 60000/Height 60000/BitsPerComponent 1\
         /ColorSpace/DeviceGray",
        "x",
    );
    let report = attached_pdf(pages(
        &[(resources, "/X Do"), (resources, &quarters)],
        &[image],
    ));
    assert_shown(&report, Shown::Part);
    report.assert_shows("Page 1 could not be shown because an image on it has");
    assert_eq!(seen(&report, 7).corners(), UPRIGHT);
}

#[test]
fn ten_thousand_pages_are_imported() {
    let page = (
        "/MediaBox[0 0 595 842]/Resources<</Font<</F1 20003 0 R>>>>",
        "BT /F1 9 Tf (x) Tj ET",
    );
    let all: Vec<(&str, &str)> = std::iter::repeat_n(page, 10_000).collect();
    let font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned();
    let report = attached_pdf(pages(&all, &[font]));
    assert_eq!(report.summary.pages, 10_006);
    assert_eq!(only(&report.summary).shown, Shown::Whole);
    assert!(
        report.summary.bytes < 10_000 * 1_500,
        "{}",
        report.summary.bytes
    );
}

#[test]
fn a_file_without_its_end_says_so_and_is_kept() {
    let whole = pages(
        &[("/MediaBox[0 0 300 400]", &quarters(0, 0, 300, 400))],
        &[],
    );
    let cut = whole[..whole.len() - 120].to_vec();
    let report = attached_pdf(cut);
    assert_ne!(only(&report.summary).shown, Shown::Whole);
    let body = report.body();
    assert!(body.contains("kept beside this report"), "{body}");
}
