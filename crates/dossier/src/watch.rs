//! Following a request until it is finished, with a bar a section.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use dossier_core::RequestId;
use dossier_core::section::{Held, SectionStatus};
use dossier_core::wire::{RequestView, SectionView};
use dossier_worker::ApiClient;
use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};

use crate::exit::Failure;
use crate::output::{Output, say};

/// Characters of a bar.
const BAR_CHARS: u64 = 20;

/// Follows a request until it is finished and answers it as it then is.
///
/// # Errors
/// [`Failure::Errored`] if it ends Errored, [`Failure::TimedOut`] if `timeout` runs out first.
pub async fn until_finished(
    client: &ApiClient,
    id: RequestId,
    every: Duration,
    timeout: Option<Duration>,
    output: Output,
) -> Result<RequestView, Failure> {
    let started = Instant::now();
    let mut bars = Bars::new(output);
    loop {
        let request = client.show(id).await?;
        bars.show(&request);
        if request.is_finished() {
            bars.finish();
            return match request.status.as_str() {
                "Completed" => Ok(request),
                _ => Err(Failure::Errored(
                    request
                        .error_detail
                        .unwrap_or_else(|| "no reason was given".to_owned()),
                )),
            };
        }
        if timeout.is_some_and(|timeout| started.elapsed() >= timeout) {
            return Err(Failure::TimedOut);
        }
        tokio::time::sleep(every).await;
    }
}

/// One bar a section on a terminal; one line a change where there is none; nothing for programs.
struct Bars {
    together: MultiProgress,
    bars: HashMap<String, ProgressBar>,
    lines: Option<HashMap<String, String>>,
}

impl Bars {
    fn new(output: Output) -> Self {
        let together = MultiProgress::new();
        let lines = (output == Output::Text && together.is_hidden()).then(HashMap::new);
        if output == Output::Json {
            together.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        }
        Self {
            together,
            bars: HashMap::new(),
            lines,
        }
    }

    fn show(&mut self, request: &RequestView) {
        let longest = request
            .services
            .iter()
            .map(|s| s.service_label.chars().count())
            .max();
        let width = longest.unwrap_or(0);
        for section in &request.services {
            let state = describe(section);
            if let Some(lines) = &mut self.lines {
                let earlier = lines.insert(section.service_name.clone(), state.clone());
                if earlier.as_ref() != Some(&state) {
                    say(&format!("{:width$}  {state}", section.service_label));
                }
                continue;
            }
            let bar = self
                .bars
                .entry(section.service_name.clone())
                .or_insert_with(|| {
                    let bar = self.together.add(ProgressBar::new(BAR_CHARS));
                    bar.set_style(bar_style());
                    bar.set_prefix(format!("{:width$}", section.service_label));
                    bar
                });
            bar.set_position(filled(section));
            bar.set_message(state);
        }
    }

    fn finish(&self) {
        for bar in self.bars.values() {
            bar.abandon();
        }
    }
}

fn bar_style() -> ProgressStyle {
    let template = format!("{{prefix}}  {{bar:{BAR_CHARS}.green/dim}}  {{wide_msg}}");
    ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━─")
}

/// How full a section's bar is. Upstream services do not say how much is to come, so a bar grows
/// by half of what is left with every tenfold of bytes, and is full only when the section is done.
fn filled(section: &SectionView) -> u64 {
    match section.render_status {
        SectionStatus::Complete => BAR_CHARS,
        SectionStatus::Suspended => 0,
        SectionStatus::Pending | SectionStatus::Errored if section.tries == 0 => 0,
        SectionStatus::Pending | SectionStatus::Errored => {
            let tenfolds = section.bytes.checked_ilog10().unwrap_or(0);
            BAR_CHARS - (BAR_CHARS * 4 / 5) / 2u64.pow(tenfolds.min(8) / 2)
        }
    }
}

fn describe(section: &SectionView) -> String {
    let tries = match section.tries {
        0 | 1 => String::new(),
        tries => format!(", try {tries}"),
    };
    match section.render_status {
        SectionStatus::Complete => match section.held {
            Some(Held::NoData) => "no data held".to_owned(),
            Some(Held::NotSupported) => "identifier not supported: no data held".to_owned(),
            Some(Held::Data) | None => format!("done, {}", HumanBytes(section.bytes)),
        },
        SectionStatus::Suspended => "suspended: the request waits for it".to_owned(),
        SectionStatus::Errored => match &section.error {
            Some(error) => format!("failed: {error}"),
            None => "failed".to_owned(),
        },
        SectionStatus::Pending if section.tries == 0 => "waiting".to_owned(),
        SectionStatus::Pending => format!("collecting, {}{tries}", HumanBytes(section.bytes)),
    }
}
