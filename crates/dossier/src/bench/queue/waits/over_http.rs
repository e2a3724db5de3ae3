//! What becomes of single requests over HTTP, with as many statements as each of them took.

use std::time::{Duration, Instant};

use dossier_core::section::{Held, SectionStatus};
use dossier_core::wire::{ClaimsQuery, CreateRequest, SectionReport};
use dossier_worker::ApiClient;

use super::{Call, Times};
use crate::bench::median;
use crate::bench::queue::database::{Filled, SERVICE, service_name};
use crate::bench::queue::lifecycle::Through;
use crate::exit::Failure;

/// How long a worker that waits for a request waits.
const POLL_SECONDS: u32 = 20;
/// A worker is given so long to begin to wait.
const BEGIN_TO_WAIT: Duration = Duration::from_millis(15);

/// The times of single requests, and what the server counted around each: a process also sends
/// statements of its own now and then, which the median leaves out.
struct Each<'a> {
    database: &'a Filled<'a>,
    call: Call,
    statements_before: Option<i64>,
    milliseconds: Vec<f64>,
    statements: Vec<f64>,
}

impl<'a> Each<'a> {
    fn of(database: &'a Filled<'_>, call: Call) -> Self {
        Self {
            database,
            call,
            statements_before: None,
            milliseconds: Vec::new(),
            statements: Vec::new(),
        }
    }

    async fn begin(&mut self) -> Result<(), Failure> {
        self.statements_before = self.database.statements().await?;
        Ok(())
    }

    async fn end(&mut self, took: Duration) -> Result<(), Failure> {
        self.milliseconds.push(took.as_secs_f64() * 1e3);
        let after = self.database.statements().await?;
        if let (Some(before), Some(after)) = (self.statements_before, after) {
            self.statements.push((after - before) as f64);
        }
        Ok(())
    }

    /// All but the first, which made connections and prepared statements.
    fn times(mut self) -> Times {
        self.milliseconds.remove(0);
        let counted = self.statements.get(1..).unwrap_or_default();
        Times {
            call: self.call,
            statements: (!counted.is_empty()).then(|| median(counted)),
            milliseconds: self.milliseconds,
        }
    }
}

fn new_request(number: u32) -> CreateRequest {
    CreateRequest {
        sar_case_reference_number: Some(format!("BENCH-{number}").into()),
        services: vec![SERVICE.to_owned()],
        nomis_id: Some("A1234AA".to_owned().into()),
        ..CreateRequest::default()
    }
}

/// Times how long a new request waits until a worker that waits for one has it: from the beginning
/// of the POST to the end of the claim's answer. The look after which the worker waits counts among
/// the statements.
pub async fn pick_up(
    database: &Filled<'_>,
    client: &ApiClient,
    requests: u32,
) -> Result<Times, Failure> {
    let query = ClaimsQuery {
        max: 1,
        wait: POLL_SECONDS,
        worker: None,
    };
    let mut each = Each::of(database, Call::PickUp);
    for number in 0..=requests {
        each.begin().await?;
        let waiting = {
            let (client, query) = (client.clone(), query.clone());
            tokio::spawn(async move { (client.claims(&query).await, Instant::now()) })
        };
        tokio::time::sleep(BEGIN_TO_WAIT).await;
        let began = Instant::now();
        client.create(&new_request(number), None).await?;
        let (claims, claimed_at) = waiting
            .await
            .map_err(|_| Failure::Other("a worker panicked".to_owned()))?;
        if claims?.len() != 1 {
            return Err(Failure::Other("a new request was not claimed".to_owned()));
        }
        each.end(claimed_at - began).await?;
    }
    database.tables.remove_added().await?;
    Ok(each.times())
}

/// Times all that a request of one section takes of the API: it is made, claimed, its section
/// reported, its lease renewed once, and completed with a document that is put into the storage.
pub async fn whole_requests(
    database: &Filled<'_>,
    client: &ApiClient,
    through: &Through,
    requests: u32,
) -> Result<Times, Failure> {
    let service = service_name(SERVICE)?;
    let mut each = Each::of(database, Call::WholeRequest);
    for number in 0..=requests {
        each.begin().await?;
        let began = Instant::now();
        let id = client.create(&new_request(number), None).await?;
        let held = through.claim(1, "bench").await?;
        let held = held.into_iter().find(|held| held.id == id);
        let held =
            held.ok_or_else(|| Failure::Other("a new request was not claimed".to_owned()))?;
        let report = SectionReport {
            lease_token: held.token,
            render_status: SectionStatus::Complete,
            held: Some(Held::NoData),
            kept: None,
            template_version: None,
            error: None,
            bytes: 0,
            tries: 1,
        };
        client.report_section(id, &service, &report).await?;
        through.renew(held).await?;
        through.complete(held).await?;
        each.end(began.elapsed()).await?;
    }
    database.tables.remove_added().await?;
    Ok(each.times())
}
