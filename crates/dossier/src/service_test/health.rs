//! The endpoint for health.

use super::Service;
use super::case::{Case, Findings};
use super::check::HEALTH_UP;

/// Looks at `/health/ping`, and if need be at `/health`.
pub async fn test(service: &Service<'_>, findings: &mut Findings) {
    let mut seen = Vec::new();
    for path in [&["health", "ping"][..], &["health"]] {
        let shown = path.join("/");
        match service.probe.health(path).await {
            Ok(200) => {
                findings.note_reached();
                return findings.add(Case::passed(&HEALTH_UP, format!("/{shown}: status 200")));
            }
            Ok(status) => {
                findings.note_reached();
                seen.push(format!("/{shown}: status {status}"));
            }
            Err(error) => seen.push(format!("/{shown}: no answer: {error}")),
        }
    }
    let advice = "answer 200 to /health/ping without a token while the service is up";
    findings.add(Case::failed(&HEALTH_UP, seen.join(", "), advice));
}
