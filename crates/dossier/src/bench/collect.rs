//! From claim to complete with many slow services.

use std::time::Duration;

use serde::Serialize;

use super::upstream::{Answer, Upstream};
use super::{Bench, median, within};
use crate::cli::BenchCollect;
use crate::exit::Failure;
use crate::output::Output;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    services: u32,
    answer_ms: u64,
    runs: u32,
    side_by_side_seconds_median: f64,
    side_by_side_seconds_max: f64,
    one_after_the_other_seconds: f64,
    ratio: f64,
}

/// Times requests side by side as a worker does by default, and one with one call at a time, as the
/// systems do that collect from one service after the other.
pub async fn run(options: &BenchCollect, output: Output) -> Result<(), Failure> {
    let together = times(options, options.runs, None).await?;
    let in_turn = times(options, 1, Some(1)).await?;
    let (median, in_turn) = (median(&together), median(&in_turn));
    let measured = Measured {
        services: options.services,
        answer_ms: options.answer_ms,
        runs: options.runs,
        side_by_side_seconds_median: median,
        side_by_side_seconds_max: together.iter().copied().fold(0.0, f64::max),
        one_after_the_other_seconds: in_turn,
        ratio: in_turn / median,
    };
    output.print(&measured, |m| {
        format!(
            "{} services that take {} ms each, from claim to complete:\n\
             side by side          {:.3} s median of {}, {:.3} s at most\n\
             one after the other   {:.3} s\n\
             ratio                 {:.1}",
            m.services,
            m.answer_ms,
            m.side_by_side_seconds_median,
            m.runs,
            m.side_by_side_seconds_max,
            m.one_after_the_other_seconds,
            m.ratio
        )
    });
    let what = "the median in seconds";
    within(what, median, options.median_max_seconds)
}

async fn times(
    options: &BenchCollect,
    runs: u32,
    sections_at_once: Option<u32>,
) -> Result<Vec<f64>, Failure> {
    let upstream = Upstream::start(Answer::After(Duration::from_millis(options.answer_ms))).await?;
    let bench = Bench::start(1, |config| {
        if let Some(limit) = sections_at_once {
            config.worker.sections_at_once = limit;
        }
    })
    .await?;
    let services: Vec<String> = (0..options.services).map(|n| format!("slow-{n}")).collect();
    for service in &services {
        bench.add_service(service, upstream.url(service)).await?;
    }
    let mut seconds = Vec::new();
    for number in 0..runs {
        let request = bench
            .finished(bench.create(&services, number).await?)
            .await?;
        let (Some(claimed), Some(completed)) = (request.claim_date_time, request.completed_at)
        else {
            let why = request.error_detail.unwrap_or_default();
            return Err(Failure::Errored(why));
        };
        seconds.push(completed.duration_since(claimed).as_secs_f64());
    }
    bench.stop().await?;
    Ok(seconds)
}
