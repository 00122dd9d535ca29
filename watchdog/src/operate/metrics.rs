//! The status as Prometheus reads it: its text format, version 0.0.4.
//!
//! Names are a promise: dashboards and alerts are made of them. Times are in seconds, as is the custom there.

use std::fmt::Write;

use super::status::{Answer, CheckStatus, Operator, ServiceStatus, State, Status};
use crate::service::Scope;

#[cfg(test)]
mod tests;

/// The content type of [`text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics.
#[must_use]
pub fn text(status: &Status) -> String {
    let mut page = Page(String::new());
    page.family("build_info", "gauge", "Always 1; the watchdog's version.");
    page.sample("build_info", &[("version", &status.version)], 1);
    page.family("start_time_seconds", "gauge", "When the watchdog was started, in Unix time.");
    page.sample("start_time_seconds", &[], status.since);
    page.of_services(&status.services);
    page.of_checks(&status.services);
    page.0
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // A String takes everything.
        writeln!(self.0, "# HELP anycast_watchdog_{name} {help}\n# TYPE anycast_watchdog_{name} {kind}").ok();
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl ToString) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        writeln!(self.0, "anycast_watchdog_{name}{labels} {}", value.to_string()).ok();
    }

    /// A metric that each service has once.
    fn each<V: ToString>(
        &mut self,
        services: &[ServiceStatus],
        (name, kind, help): (&str, &str, &str),
        value: impl Fn(&ServiceStatus) -> V,
    ) {
        self.family(name, kind, help);
        for service in services {
            self.sample(name, &[("service", &service.name)], value(service));
        }
    }

    fn of_services(&mut self, services: &[ServiceStatus]) {
        self.family("state", "gauge", "What is decided about the service: 1 for its state, 0 for the others.");
        for service in services {
            for state in State::ALL {
                let labels = [("service", service.name.as_str()), ("state", &state.to_string())];
                self.sample("state", &labels, u8::from(service.state == state));
            }
        }
        self.each(
            services,
            ("decided_time_seconds", "gauge", "When the last decision was made, in Unix time."),
            |one| one.since,
        );
        self.family("decisions_total", "counter", "Decisions since the start, by what was decided.");
        for service in services {
            let decisions = service.decisions;
            for (verb, times) in
                [("announce", decisions.announce), ("drain", decisions.drain), ("withdraw", decisions.withdraw)]
            {
                self.sample("decisions_total", &[("service", &service.name), ("verb", verb)], times);
            }
        }
        let help = "Whether the routing daemon has done what was decided: 1 yes, 0 no, -1 unknown.";
        self.each(services, ("confirmed", "gauge", help), |one| match one.confirmed.is {
            Answer::Yes => 1,
            Answer::No => 0,
            Answer::Unknown => -1,
        });
        let help = "Whether the operator wants no traffic here, by an order or by the maintenance file.";
        self.each(services, ("operator_drain", "gauge", help), |one| u8::from(one.operator != Operator::None));
        self.each(services, ("flaps", "gauge", "Recent withdrawals that count for hold-down."), |one| one.flaps);
        let help = "A healthy service is announced after this time; 0 when it is not held down.";
        self.each(services, ("hold_down_seconds", "gauge", help), |one| one.hold_down.unwrap_or(0.0).max(0.0));
        let help = "Addresses that ought to be on lo and are not.";
        self.each(services, ("missing_addresses", "gauge", help), |one| one.missing.len());
    }

    fn of_checks(&mut self, services: &[ServiceStatus]) {
        let checks: Vec<(&str, &CheckStatus)> =
            services.iter().flat_map(|one| one.checks.iter().map(|check| (one.name.as_str(), check))).collect();
        self.family("check_healthy", "gauge", "Whether the check is judged to pass.");
        for (service, check) in &checks {
            let scope = match check.scope {
                Scope::Local => "local",
                Scope::Shared => "shared",
            };
            let labels = [("service", *service), ("check", &check.name), ("scope", scope)];
            self.sample("check_healthy", &labels, u8::from(check.healthy));
        }
        self.family("check_passes_total", "counter", "Outcomes that were passes.");
        for (service, check) in &checks {
            self.sample("check_passes_total", &[("service", service), ("check", &check.name)], check.passed);
        }
        self.family("check_failures_total", "counter", "Outcomes that were failures, by their kind.");
        for (service, check) in &checks {
            for (kind, times) in &check.failed {
                let labels = [("service", *service), ("check", &check.name), ("reason", kind)];
                self.sample("check_failures_total", &labels, times);
            }
        }
        self.family("check_latency_seconds", "summary", "How long recent passes took.");
        for (service, check) in &checks {
            let Some(latency) = check.latency else { continue };
            for (quantile, milliseconds) in [("0.5", latency.p50), ("0.99", latency.p99)] {
                let labels = [("service", *service), ("check", &check.name), ("quantile", quantile)];
                self.sample("check_latency_seconds", &labels, milliseconds / 1000.0);
            }
        }
    }
}

/// A label's value may be anything; three characters have a meaning.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}
