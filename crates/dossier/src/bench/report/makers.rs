//! Who makes a PDF of the content: this program, and the peers of `benches/peers`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dossier_report::{
    Fonts, Identifier, Report, ReportSummary, Section, SectionBody, TemplateVersion, Wording,
    write_report,
};
use jiff::civil::date;
use serde_json::json;
use tokio::process::Command;

use super::measured::{self, Run, Stopped};
use crate::bench::process_memory;
use crate::exit::Failure;

/// One that makes a PDF of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    Dossier,
    Typst,
    Chromium,
    ReportLab,
    WeasyPrint,
}

impl Maker {
    /// All but this program, in the order in which they are measured.
    pub const PEERS: [Self; 4] = [
        Self::Typst,
        Self::Chromium,
        Self::ReportLab,
        Self::WeasyPrint,
    ];

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Dossier => "Dossier",
            Self::Typst => "Typst",
            Self::Chromium => "Chromium",
            Self::ReportLab => "ReportLab",
            Self::WeasyPrint => "WeasyPrint",
        }
    }

    /// Makes a PDF in a process of its own. `peers` is the folder of the peers' scripts.
    pub async fn make(
        self,
        peers: Option<&Path>,
        body: &Path,
        out: &Path,
        limit: Duration,
    ) -> Result<Run, Stopped> {
        let mut command = match (self, peers) {
            (Self::Dossier, _) => {
                let program = std::env::current_exe()
                    .map_err(|error| Stopped(format!("finding this program: {error}")))?;
                let mut command = Command::new(program);
                command.args(["bench", "write-report"]);
                command
            }
            (_, Some(peers)) => {
                let mut command = Command::new(peers.join("run"));
                command.arg(self.label().to_lowercase());
                command
            }
            (_, None) => return Err(Stopped("no folder of peers was given".to_owned())),
        };
        command.arg(body).arg(out);
        measured::run(command, limit).await
    }
}

/// Pages of a peer's file.
pub async fn count_pages(peers: &Path, file: &Path) -> Result<u64, Stopped> {
    let counted = Command::new(peers.join("run"))
        .arg("count")
        .arg(file)
        .output()
        .await
        .map_err(|error| Stopped(format!("its pages cannot be counted: {error}")))?;
    String::from_utf8_lossy(&counted.stdout)
        .trim()
        .parse()
        .map_err(|_| Stopped("its pages cannot be counted".to_owned()))
}

/// Makes the report of an answer, as a worker does.
pub fn report(body: PathBuf, out: &Path) -> Result<ReportSummary, Failure> {
    let report = Report {
        subject_name: "SMITH, Jane".to_owned(),
        identifier: Identifier {
            label: "NOMIS ID".to_owned(),
            value: "A1234AA".to_owned(),
        },
        case_reference: "SAR-1".to_owned(),
        date_from: None,
        date_to: date(2026, 1, 1),
        generated_on: date(2026, 2, 3),
        sections: vec![Section {
            label: "Case management".to_owned(),
            version: TemplateVersion::Generic.into(),
            body: SectionBody::Response {
                body,
                html: None,
                labels: None,
                attachments: Vec::new(),
            },
        }],
        wording: Wording::default(),
        look: dossier_report::Look::default(),
        office: None,
        keeps_originals: false,
    };
    Fonts::embedded()
        .and_then(|fonts| write_report(&report, &fonts, out))
        .map_err(|error| Failure::Other(format!("writing the report: {error}")))
}

/// What the re-executed program does: makes the report and says how it went.
pub fn report_and_say(body: PathBuf, out: &Path) -> Result<(), Failure> {
    let summary = report(body, out)?;
    let said = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pages": summary.pages,
        "peakBytes": process_memory(std::process::id(), "VmHWM")?,
    });
    println!("{said}");
    Ok(())
}
