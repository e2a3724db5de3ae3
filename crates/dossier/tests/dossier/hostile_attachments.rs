//! Attachments that are small as files and large to whoever reads them: a report of them takes
//! bounded memory, ends, and says what it left out.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::process::{dossier, peak_kib, words};

/// Writes a 100-megapixel PNG, one of twice the pixels that are shown, a PDF whose only page's content
/// unpacks to a gigabyte, and a PDF of 10,000 pages.
const FILES: &str = r#"
import struct, zlib
def png(name, width, height):
    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)
    pack, rows = zlib.compressobj(1), b""
    for _ in range(height):
        rows += pack.compress(b"\0" * (width + 1))
    rows += pack.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    with open(name, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
def pdf(name, pages, content):
    kids = " ".join(f"{4 + at} 0 R" for at in range(pages))
    bodies = [b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {pages}/Kids[{kids}]>>".encode(),
        b"<</Length %d/Filter/FlateDecode>>stream\n" % len(content) + content + b"\nendstream"]
    bodies += [b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 400]/Contents 3 0 R>>"] * pages
    places = []
    with open(name, "wb") as out:
        out.write(b"%PDF-1.7\n")
        for number, body in enumerate(bodies, 1):
            places.append(out.tell())
            out.write(b"%d 0 obj\n" % number + body + b"\nendobj\n")
        table = out.tell()
        out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1))
        for place in places:
            out.write(b"%010d 00000 n \n" % place)
        out.write(b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, table))
png("photograph.png", 10_000, 10_000)
png("poster.png", 20_000, 20_000)
pack = zlib.compressobj(1)
bomb = b"".join(pack.compress(b" " * (1 << 20)) for _ in range(1024)) + pack.flush()
pdf("bomb.pdf", 1, bomb)
pdf("archive.pdf", 10_000, zlib.compress(b"10 10 100 100 re S"))
"#;

/// Renders one of the files as an attachment; answers the report's text and the program's peak memory
/// in MiB.
fn rendered(folder: &Path, name: &str) -> (String, u64) {
    let answer = format!(
        r#"{{"content": 1, "attachments": [{{"url": "http://x", "filename": "{name}"}}]}}"#
    );
    std::fs::write(folder.join("answer.json"), answer).unwrap();
    let line = "render --data answer.json --attachments . -o report.pdf";
    let mut child = dossier(folder)
        .args(words(line))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (status, peak) = peak_kib(&mut child);
    assert!(status.success(), "{name}: {status}");
    let text = Command::new("pdftotext")
        .args(["-layout", "report.pdf", "-"])
        .current_dir(folder)
        .output()
        .unwrap();
    (String::from_utf8(text.stdout).unwrap(), peak / 1024)
}

#[test]
fn hostile_attachments_take_bounded_memory_and_are_said() {
    const MIB_MAX: u64 = 160;
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("python3")
        .args(["-c", FILES])
        .current_dir(folder.path())
        .status();
    assert!(made.unwrap().success());
    for (name, says) in [
        ("photograph.png", None),
        ("poster.png", Some("at most 200 million")),
        ("bomb.pdf", Some("could not be shown because")),
        ("archive.pdf", None),
    ] {
        let (text, peak) = rendered(folder.path(), name);
        println!("{name}: {peak} MiB at its highest");
        assert!(peak > 0 && peak < MIB_MAX, "{name}: {peak} MiB");
        let pages = text.matches('\u{c}').count();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match says {
            Some(says) => assert!(text.contains(says) && pages < 10, "{name}: {text}"),
            None => assert!(!text.contains("could not be shown"), "{name}: {text:.2000}"),
        }
        assert_eq!(
            pages > 10_000,
            name == "archive.pdf",
            "{name}: {pages} pages"
        );
    }
}
