//! The steps of a lease, on the store.

use std::time::{Duration, Instant};

use dossier_core::lease::LeaseRules;

use super::{Call, Timer, Times};
use crate::bench::queue::database::Filled;
use crate::bench::queue::lifecycle::{Held, Through};
use crate::exit::Failure;

/// Requests that wait for a suspended service, before one that can be claimed.
const WAITING: u32 = 10_000;
/// Claims past them in a run, or for so long.
const CLAIMS: u32 = 40;
const CLAIMS_TIME_MAX: Duration = Duration::from_secs(2);
/// Claims of which each is renewed and completed take so long at most, so that no lease runs out.
const STEPS_TIME_MAX: Duration = Duration::from_secs(15);
/// Steps that are not counted: connections are made and statements prepared.
const FIRST: u32 = 2;

/// A database and what is held in it.
struct Holder<'d> {
    database: &'d Filled<'d>,
    through: Through,
    held: Vec<Held>,
}

impl<'d> Holder<'d> {
    async fn begin(database: &'d Filled<'_>, requests: u32) -> Result<Self, Failure> {
        database
            .tables
            .add_pending(requests + FIRST, database.service)
            .await?;
        let through = Through::Store {
            store: database.store.clone(),
            rules: LeaseRules::default(),
        };
        for held in through.claim(FIRST, "bench").await? {
            through.renew(held).await?;
            through.complete(held).await?;
        }
        Ok(Self {
            database,
            through,
            held: Vec::new(),
        })
    }
}

/// Times the steps of up to so many leases in each database, one after the other: the databases take
/// turns with each single call, so that a busy moment of the machine meets them all alike. Answers
/// for each of them.
pub async fn steps(databases: &[Filled<'_>], requests: u32) -> Result<Vec<Vec<Times>>, Failure> {
    let mut holders = Vec::new();
    for database in databases {
        holders.push(Holder::begin(database, requests).await?);
    }
    let mut times: Vec<Vec<Times>> = databases.iter().map(|_| Vec::new()).collect();
    for call in [Call::Claim, Call::Renew, Call::Complete] {
        let mut timers = Vec::new();
        for database in databases {
            timers.push(Timer::start(database, call).await?);
        }
        let count = match call {
            Call::Claim => requests as usize,
            _ => holders.first().map_or(0, |holder| holder.held.len()),
        };
        let began = Instant::now();
        for place in 0..count {
            if call == Call::Claim && began.elapsed() > STEPS_TIME_MAX {
                break;
            }
            let mut turns: Vec<_> = holders.iter_mut().zip(&mut timers).collect();
            if place % 2 == 1 {
                // Nobody is always the one after the other.
                turns.reverse();
            }
            for (holder, timer) in turns {
                let through = &holder.through;
                match (call, holder.held.get(place)) {
                    (Call::Renew, Some(held)) => timer.time(through.renew(*held)).await?,
                    (Call::Complete, Some(held)) => timer.time(through.complete(*held)).await?,
                    _ => {
                        let claimed = timer.time(through.claim(1, "bench")).await?;
                        holder.held.extend(claimed);
                    }
                }
            }
        }
        for (timer, times) in timers.into_iter().zip(&mut times) {
            times.push(timer.end().await?);
        }
    }
    for holder in holders {
        holder.database.tables.remove_added().await?;
    }
    Ok(times)
}

/// Times claims while many requests that came in earlier wait for a suspended service.
pub async fn past_waiting(database: &Filled<'_>) -> Result<Times, Failure> {
    let suspended = database.suspended_service;
    database.tables.add_waiting(WAITING, suspended).await?;
    let holder = Holder::begin(database, CLAIMS).await?;
    let mut timer = Timer::start(database, Call::ClaimPastWaiting).await?;
    let began = Instant::now();
    for _ in 0..CLAIMS {
        if timer
            .time(holder.through.claim(1, "bench"))
            .await?
            .is_empty()
        {
            return Err(Failure::Other(
                "what can be claimed was not found behind what cannot".to_owned(),
            ));
        }
        if began.elapsed() > CLAIMS_TIME_MAX {
            break;
        }
    }
    let times = timer.end().await?;
    database.tables.remove_added().await?;
    Ok(times)
}
