//! Peak memory while one huge answer is fetched.

use std::time::Instant;

use dossier_core::section::SectionStatus;
use serde::Serialize;

use super::upstream::{Answer, Upstream};
use super::{Bench, process_memory, within};
use crate::cli::BenchFetch;
use crate::exit::Failure;
use crate::output::Output;

const MEGABYTE: u64 = 1_000_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    megabytes: u64,
    seconds: f64,
    peak_before_bytes: u64,
    peak_after_fetch_bytes: u64,
    rise_bytes: u64,
}

/// Measures the highest resident memory of this process (which is API, worker and service in one,
/// so more than a worker's own) before and after a first small request and the huge one: its answer's
/// fetch, or with `--attachment` all that is made of it.
pub async fn run(options: &BenchFetch, output: Output) -> Result<(), Failure> {
    let bytes = options.megabytes * MEGABYTE;
    let answer = match options.attachment {
        true => Answer::Attachment(bytes),
        false => Answer::Bytes(bytes),
    };
    let small = Upstream::start(Answer::Bytes(1_000)).await?;
    let huge = Upstream::start(answer).await?;
    let bench = Bench::start(1, |_| {}).await?;
    bench.add_service("small", small.url("small")).await?;
    bench.add_service("huge", huge.url("huge")).await?;
    // What a worker holds anyway, such as fonts, is there after the first request.
    bench
        .finished(bench.create(&["small".to_owned()], 0).await?)
        .await?;
    let pid = std::process::id();
    let peak_before_bytes = process_memory(pid, "VmHWM")?;
    let started = Instant::now();
    let id = bench.create(&["huge".to_owned()], 1).await?;
    loop {
        let request = bench.client.show(id).await?;
        let section = request.services.first();
        let is_collected =
            section.is_some_and(|section| section.render_status == SectionStatus::Complete);
        let is_completed = request.completed_at.is_some();
        if is_completed || (is_collected && !options.attachment) {
            break;
        }
        if request.is_finished() || section.is_some_and(|s| s.error.is_some()) {
            let why = request
                .error_detail
                .or(section.and_then(|s| s.error.clone()));
            return Err(Failure::Errored(why.unwrap_or_default()));
        }
        tokio::time::sleep(super::LOOK_EVERY).await;
    }
    let seconds = started.elapsed().as_secs_f64();
    let peak_after_fetch_bytes = process_memory(pid, "VmHWM")?;
    let measured = Measured {
        megabytes: options.megabytes,
        seconds,
        peak_before_bytes,
        peak_after_fetch_bytes,
        rise_bytes: peak_after_fetch_bytes - peak_before_bytes,
    };
    let what = match options.attachment {
        true => "attachment of {} MB, fetched, kept, packed and stored",
        false => "answer of {} MB, fetched, checked and kept",
    };
    let what = what.replace("{}", &options.megabytes.to_string());
    output.print(&measured, |m| {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        format!(
            "one {what} in {:.1} s\n\
             peak memory before  {:.1} MiB\n\
             peak memory after   {:.1} MiB\n\
             rise                {:.1} MiB",
            m.seconds,
            mib(m.peak_before_bytes),
            mib(m.peak_after_fetch_bytes),
            mib(m.rise_bytes)
        )
    });
    if !options.attachment {
        bench
            .client
            .cancel(id, &dossier_core::wire::CancelRequest::default())
            .await?;
    }
    bench.stop().await?;
    let rise = measured.rise_bytes as f64 / f64::from(1 << 20);
    within("the rise in MiB", rise, options.rise_max_mib)
}
