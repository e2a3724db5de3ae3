//! Attached images, looked at.

use dossier_report::Shown;

use crate::attached::{UPRIGHT, assert_shown, attached, attached_fixture, fixture, only, seen};

/// The fixture as its own page shows it, whole.
fn corners(name: &str) -> [&'static str; 4] {
    let report = attached_fixture(name, "application/octet-stream");
    assert_shown(&report, Shown::Whole);
    seen(&report, only(&report.summary).page).corners()
}

#[test]
fn every_attachment_has_a_page_of_its_own_with_its_title() {
    let report = attached(&[
        ("one.png", "image/png", fixture("rgb.png")),
        ("two.png", "image/png", fixture("rgb.png")),
    ]);
    let pages = report.pages();
    assert_eq!(report.summary.attachments[0].page, 5);
    assert_eq!(report.summary.attachments[1].page, 6);
    assert!(pages[3].contains("Key value"));
    assert!(pages[4].contains("Attachment: 1\none.png - a file\n"));
    assert!(pages[5].contains("Attachment: 2\ntwo.png - a file\n"));
    assert!(pages[4].starts_with("Name: MUSTER, Erika\n"));
}

#[test]
fn jpeg_files_are_passed_through_untouched() {
    for name in ["baseline.jpg", "progressive.jpg"] {
        let report = attached_fixture(name, "image/jpeg");
        let bytes = fixture(name);
        let file = report.bytes();
        assert!(
            file.windows(bytes.len()).any(|part| part == bytes),
            "{name}"
        );
        assert_eq!(corners(name), UPRIGHT, "{name}");
    }
}

#[test]
fn jpeg_files_in_gray_and_in_cmyk_have_their_colours() {
    assert_eq!(corners("cmyk.jpg"), UPRIGHT);
    let report = attached_fixture("gray.jpg", "image/jpeg");
    assert_shown(&report, Shown::Whole);
    assert_eq!(seen(&report, 5).coloured(), None);
    let page = seen(&report, 5);
    let dark = page.bounds(|x, y| y > 140 && y < 400 && page.pixel(x, y)[0] < 250);
    let [left, _, right, _] = dark.unwrap();
    assert!((58..=60).contains(&(right - left)), "{left} {right}");
}

#[test]
fn png_files_of_every_colour_type_have_their_colours() {
    for name in [
        "rgb.png",
        "rgb16.png",
        "interlaced.png",
        "palette.png",
        "palette-interlaced.png",
    ] {
        assert_eq!(corners(name), UPRIGHT, "{name}");
    }
    for name in ["gray.png", "bilevel.png"] {
        let report = attached_fixture(name, "image/png");
        assert_shown(&report, Shown::Whole);
        let page = seen(&report, 5);
        // Blue is the darkest of the four and yellow the lightest.
        let x = page.width / 2;
        let y = (100..400)
            .find(|y| page.pixel(x - 25, *y)[0] < 60 && page.pixel(x + 25, *y)[0] > 200)
            .expect(name);
        assert!(y > 100, "{name}");
    }
}

#[test]
fn transparent_parts_show_the_paper() {
    for name in ["alpha.png", "alpha16.png", "alpha.webp"] {
        let report = attached_fixture(name, "image/png");
        assert_shown(&report, Shown::Whole);
        let page = seen(&report, 5);
        let [left, top, right, bottom] = page.coloured().unwrap();
        assert!(
            (28..=30).contains(&(right - left)),
            "{name}: only the right half is seen"
        );
        assert_eq!(page.colour(left + 15, top + 10), "green", "{name}");
        assert_eq!(
            page.colour(left - 15, (top + bottom) / 2),
            "white",
            "{name}"
        );
    }
    let report = attached_fixture("palette-alpha.png", "image/png");
    assert_eq!(
        seen(&report, 5).corners(),
        ["white", "green", "blue", "yellow"]
    );
    assert!(report.plain().contains("/SMask"));
    let opaque = attached_fixture("still.gif", "image/gif").plain();
    assert!(!opaque.contains("/SMask"), "an opaque image needs no mask");
}

#[test]
fn gif_webp_and_tiff_files_have_their_colours() {
    for name in [
        "still.gif",
        "lossless.webp",
        "lossy.webp",
        "rgb.tif",
        "rgb16.tif",
        "lzw.tif",
        "zip.tif",
        "jpeg.tif",
        "tiled.tif",
        "palette.tif",
        "cmyk.tif",
    ] {
        assert_eq!(corners(name), UPRIGHT, "{name}");
    }
}

#[test]
fn a_fax_is_black_on_white() {
    let report = attached_fixture("fax.tif", "image/tiff");
    assert_shown(&report, Shown::Whole);
    let page = seen(&report, 5);
    let dark = page.bounds(|x, y| (150..400).contains(&y) && page.pixel(x, y)[0] < 30);
    let [left, top, ..] = dark.unwrap();
    // Red and blue are black, green and yellow are white.
    assert_eq!(page.colour(left + 45, top + 5), "white");
    assert_eq!(page.colour(left + 15, top + 5), "black");
}

#[test]
fn an_animation_shows_its_first_picture_and_says_so() {
    let report = attached_fixture("animated.gif", "image/gif");
    assert_shown(&report, Shown::Part);
    assert_eq!(seen(&report, 5).corners(), UPRIGHT);
    report.assert_shows("The file is an animation: only its first picture is shown.");
    report.assert_shows("The file itself is kept beside this report.");
}

#[test]
fn all_pages_of_a_tiff_file_are_shown() {
    let report = attached_fixture("three.tif", "image/tiff");
    assert_shown(&report, Shown::Whole);
    assert_eq!(report.summary.pages, 8);
    assert_eq!(seen(&report, 5).corners(), UPRIGHT);
    assert_eq!(
        seen(&report, 6).corners(),
        ["green", "red", "yellow", "blue"]
    );
    assert_eq!(
        seen(&report, 7).corners(),
        ["blue", "yellow", "red", "green"]
    );
}

/// A JPEG file with an Exif segment after its first marker.
fn with_orientation(jpeg: &[u8], orientation: u8, little: bool) -> Vec<u8> {
    let exif: Vec<u8> = if little {
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0, 0]);
        exif
    } else {
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
        exif.extend_from_slice(&[0, orientation, 0, 0, 0, 0, 0, 0]);
        exif
    };
    let length = (exif.len() + 2) as u16;
    let mut turned = jpeg[..2].to_vec();
    turned.extend_from_slice(b"\xff\xe1");
    turned.extend_from_slice(&length.to_be_bytes());
    turned.extend_from_slice(&exif);
    turned.extend_from_slice(&jpeg[2..]);
    turned
}

#[test]
fn images_are_turned_as_their_orientation_says() {
    let [red, green, blue, yellow] = UPRIGHT;
    let expected = [
        [red, green, blue, yellow],
        [green, red, yellow, blue],
        [yellow, blue, green, red],
        [blue, yellow, red, green],
        [red, blue, green, yellow],
        [blue, red, yellow, green],
        [yellow, green, blue, red],
        [green, yellow, red, blue],
        [red, green, blue, yellow],
    ];
    let jpeg = fixture("baseline.jpg");
    let files: Vec<_> = (1..=9_u8)
        .map(|value| {
            let bytes = with_orientation(&jpeg, value, value % 2 == 0);
            ("turned.jpg", "image/jpeg", bytes)
        })
        .collect();
    let report = attached(&files);
    for (outcome, expected) in report.summary.attachments.iter().zip(expected) {
        let page = seen(&report, outcome.page);
        let value = outcome.place + 1;
        assert_eq!(page.corners(), expected, "orientation {value}");
        let [left, top, right, bottom] = page.coloured().unwrap();
        let upright = !(5..=8).contains(&value);
        assert_eq!(right - left > bottom - top, upright, "orientation {value}");
    }
}

/// A chunk of a PNG file (ISO/IEC 15948, 5.3).
fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [&kind[..], data].concat();
    let length = (data.len() as u32).to_be_bytes();
    [&length[..], &named, &crc(&named).to_be_bytes()].concat()
}

#[test]
fn the_orientation_of_png_webp_and_tiff_files_is_heeded() {
    let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let png = fixture("rgb.png");
    let turned_png = [&png[..33], &png_chunk(b"eXIf", exif), &png[33..]].concat();

    // The extended form of WebP (RFC 9649, 2.7): a header with the size and the flag for Exif.
    let webp = fixture("lossless.webp");
    let mut body = b"WEBPVP8X\x0a\0\0\0\x08\0\0\0\x3b\0\0\x27\0\0".to_vec();
    body.extend_from_slice(&webp[12..]);
    body.extend_from_slice(b"EXIF");
    body.extend_from_slice(&(exif.len() as u32).to_le_bytes());
    body.extend_from_slice(exif);
    let turned_webp = [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat();

    let mut turned_tiff = fixture("lzw.tif");
    let tag = [0x12, 0x01, 0x03, 0, 1, 0, 0, 0, 1];
    let place = turned_tiff
        .windows(tag.len())
        .position(|window| window == tag)
        .unwrap();
    turned_tiff[place + 8] = 6;

    let report = attached(&[
        ("a.png", "image/png", turned_png),
        ("a.webp", "image/webp", turned_webp),
        ("a.tif", "image/tiff", turned_tiff),
    ]);
    for outcome in &report.summary.attachments {
        let corners = seen(&report, outcome.page).corners();
        assert_eq!(
            corners,
            ["blue", "red", "yellow", "green"],
            "{}",
            outcome.place
        );
    }
}

/// An uncompressed PNG of one colour, any size.
fn plain_png(width: u32, height: u32, rgb: [u8; 3]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    let data: Vec<u8> = rgb
        .into_iter()
        .cycle()
        .take(width as usize * height as usize * 3)
        .collect();
    writer.write_image_data(&data).unwrap();
    writer.finish().unwrap();
    out
}

#[test]
fn images_fit_three_quarters_of_the_page_and_are_never_enlarged() {
    let red = [255, 0, 0];
    let report = attached(&[
        ("wide.png", "image/png", plain_png(2_000, 500, red)),
        ("high.png", "image/png", plain_png(400, 4_000, red)),
        ("small.png", "image/png", plain_png(100, 50, red)),
        ("line.png", "image/png", plain_png(5_000, 1, red)),
    ]);
    let sizes: Vec<[usize; 4]> = (5..8)
        .map(|page| seen(&report, page).coloured().unwrap())
        .collect();
    for ([left, top, right, bottom], (width, height)) in
        sizes.iter().zip([(446, 112), (63, 631), (100, 50)])
    {
        assert!(
            (right - left + 1).abs_diff(width) <= 1,
            "{left} {right}, not {width}"
        );
        assert!(
            (bottom - top + 1).abs_diff(height) <= 1,
            "{top} {bottom}, not {height}"
        );
        let middle = (left + right) / 2;
        assert!(middle.abs_diff(595 / 2) <= 1, "{middle} is not the middle");
    }
    report.assert_accessible();
}

#[test]
fn the_bytes_decide_what_a_file_is() {
    for (name, declared) in [
        ("rgb.png", "image/jpeg"),
        ("baseline.jpg", "application/pdf"),
    ] {
        let report = attached_fixture(name, declared);
        assert_shown(&report, Shown::Whole);
        assert_eq!(seen(&report, 5).corners(), UPRIGHT);
    }
}

#[test]
fn a_figure_has_a_text_for_those_who_cannot_see_it() {
    let report = attached_fixture("rgb.png", "image/png");
    let alt: String = "Image: rgb.png - a file"
        .encode_utf16()
        .map(|unit| format!("{unit:04x}"))
        .collect();
    assert!(report.plain().to_lowercase().contains(&alt));
}

#[test]
fn images_that_pdf_does_not_have_are_named() {
    for (brand, name) in [(b"heic", "image/heic"), (b"avif", "image/avif")] {
        let mut bytes = b"\0\0\0\x18ftyp".to_vec();
        bytes.extend_from_slice(brand);
        bytes.extend_from_slice(&[0; 40]);
        let report = attached(&[("photo", "image/png", bytes)]);
        assert_shown(&report, Shown::NameOnly);
        report.assert_shows(&format!("Attachment content type {name} not supported."));
        report.assert_shows(&format!(
            "Content type image/png, but the file is {name} Size 52 bytes"
        ));
        report.assert_shows("The file itself is kept beside this report.");
    }
}

#[test]
fn a_damaged_image_says_so_and_costs_only_its_page() {
    for name in [
        "baseline.jpg",
        "progressive.jpg",
        "rgb.png",
        "interlaced.png",
        "palette.png",
        "still.gif",
        "lossy.webp",
        "lossless.webp",
        "lzw.tif",
        "jpeg.tif",
        "fax.tif",
        "palette.tif",
    ] {
        let whole = fixture(name);
        for cut in [8, 20, whole.len() / 2, whole.len() - 6] {
            let report = attached(&[(name, "image/png", whole[..cut].to_vec())]);
            let outcome = only(&report.summary);
            if outcome.shown != Shown::Whole {
                report.assert_shows("The file itself is kept beside this report.");
            }
            assert!(
                cut > 20 || outcome.shown == Shown::NameOnly,
                "{name} cut at {cut}"
            );
            report.assert_accessible();
        }
    }
}

#[test]
fn changed_bytes_never_cost_the_report() {
    let mut seed = 7_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    let names = [
        "baseline.jpg",
        "alpha.png",
        "interlaced.png",
        "palette-alpha.png",
        "animated.gif",
        "alpha.webp",
        "lossy.webp",
        "three.tif",
        "palette.tif",
        "tiled.tif",
        "fax.tif",
    ];
    let mut files = Vec::new();
    for name in names {
        for _ in 0..30 {
            let mut bytes = fixture(name);
            for _ in 0..=random(6) {
                let place = random(bytes.len());
                bytes[place] = random(256) as u8;
            }
            files.push((name, "image/png", bytes));
        }
    }
    let report = attached(&files);
    assert_eq!(report.summary.attachments.len(), files.len());
    report.assert_accessible();
}

#[test]
fn an_image_over_the_limits_says_why_it_is_not_shown() {
    // Only headers: the sizes are refused before anything of them is read.
    let mut png = fixture("rgb.png");
    png[16..24].copy_from_slice(&[0, 0, 0xff, 0, 0, 0, 0xff, 0]);
    let crc = crc(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    let mut gif = fixture("still.gif");
    gif[6..10].copy_from_slice(&[0x40, 0x9c, 0x88, 0x13]);
    let report = attached(&[
        ("bomb.png", "image/png", png),
        ("bomb.gif", "image/gif", gif),
    ]);
    for outcome in &report.summary.attachments {
        assert_eq!(outcome.shown, Shown::NameOnly);
    }
    report.assert_shows(
        "This attachment could not be shown because the image has 65280 × 65280 pixels; at most \
         200 million, and 65500 on a side, are shown.",
    );
    report.assert_shows(
        "because the image has 40000 × 5000 pixels and is stored in a way that takes 1600 MB of \
         memory to read; at most 192 MB are used.",
    );
}

/// The check sum of PNG chunks (ISO/IEC 15948, annex D).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
        crc
    })
}
