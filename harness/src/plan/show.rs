//! A plan as text: what was derived, and every file that a node will get.

use std::fmt;

use protocol::Flow;

use super::cells::describe;
use super::{Action, Expectation, NodePlan, Plan, hide};
use crate::spec::Subject;

impl Plan {
    /// The cell in words: `bind 9.20 · exabgp 5.0.15 · bird 2.17`.
    #[must_use]
    pub fn cell_words(&self) -> String {
        describe(&self.cell)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.label(), self.title)?;
        for (label, text) in [("why", &self.why), ("source", &self.source)] {
            if let Some(text) = text {
                writeln!(f, "{label}: {text}")?;
            }
        }
        if let Some(mutant) = &self.mutant {
            writeln!(f, "mutant: {}; must fail at `{}`", mutant.why, mutant.fails)?;
        }
        writeln!(f, "cell: {}", self.cell_words())?;
        for (name, prefixes) in &self.networks {
            let prefixes: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
            writeln!(f, "network {name}: {}", prefixes.join(" "))?;
        }
        for service in &self.services {
            writeln!(f, "service {} {}: {}", service.service, service.address, service.served_by.join(" "))?;
        }
        writeln!(f, "\nsteps")?;
        for (number, step) in self.steps.iter().enumerate() {
            write!(f, "  {}  ", number + 1)?;
            match &step.action {
                Action::Expect(e) => {
                    writeln!(f, "expect {}", step.name)?;
                    expectation(f, e)?;
                }
                Action::Inject(inject) => writeln!(f, "inject {inject}")?,
                Action::HealAll => writeln!(f, "heal all")?,
                Action::Hold(span) => writeln!(f, "hold {span}")?,
            }
        }
        if !self.always.is_empty() {
            writeln!(f, "  all the time, once an expectation has passed: {}", self.always)?;
        }
        self.nodes.iter().try_for_each(|node| write!(f, "\n{node}"))?;
        let advice = self.advice();
        if !advice.is_empty() {
            writeln!(f, "\nlint of the given files (`anycast-watchdog lint FILE` says more)")?;
        }
        advice.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

fn expectation(f: &mut fmt::Formatter<'_>, e: &Expectation) -> fmt::Result {
    match &e.expect.subject {
        Subject::Serving(nodes) => writeln!(f, "       serving {}, stable for {}", nodes.join(" "), e.expect.stable)?,
        subject @ Subject::Ordered(_) => writeln!(f, "       {subject}")?,
        subject if e.expect.is_never() => writeln!(f, "       {subject}, watched for {}", e.expect.stable)?,
        subject => writeln!(f, "       {subject}, stable for {}", e.expect.stable)?,
    }
    if !e.expect.is_never() {
        writeln!(f, "       within {} of {}: {}", e.deadline, e.since, e.because)?;
    }
    if let Some(lost) = e.expect.lost {
        writeln!(f, "       at most {lost} queries lost")?;
    }
    if let Some(gap) = e.expect.gap {
        writeln!(f, "       at most {gap} without a good answer")?;
    }
    if let Some(flaps) = e.expect.flaps {
        writeln!(f, "       at most {flaps} changes of a kernel's route")?;
    }
    if e.expect.sticky {
        writeln!(f, "       one flow, one instance, for as long as no route changes")?;
    }
    Ok(())
}

impl fmt::Display for NodePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "node {}", self.name)?;
        writeln!(f, "  image    {}", self.image)?;
        for (i, link) in self.links.iter().enumerate() {
            let addresses: Vec<String> = link.addresses.iter().map(ToString::to_string).collect();
            writeln!(f, "  eth{i}     {} {} {}", link.network, link.mac, addresses.join(" "))?;
        }
        for address in &self.loopback {
            writeln!(f, "  lo       {address}")?;
        }
        for route in &self.routes {
            writeln!(f, "  route    {} via {}", route.to, route.via)?;
        }
        for (key, value) in &self.sysctls {
            writeln!(f, "  sysctl   {key} = {value}")?;
        }
        for daemon in &self.daemons {
            let env: Vec<String> =
                hide::env(&daemon.env).iter().map(|(key, value)| format!("{key}={value} ")).collect();
            writeln!(f, "  {:8} {}{}", daemon.name, env.concat(), hide::argv(&daemon.argv).join(" "))?;
        }
        for train in &self.trains {
            let to: Vec<String> = train.to.iter().map(ToString::to_string).collect();
            writeln!(
                f,
                "  asks     {} SOA {} at {}, {} a second, lost after {} ms{}",
                train.name,
                train.qname,
                to.join(" "),
                train.per_second,
                train.timeout_ms,
                if train.flow == Flow::One { ", one flow" } else { "" }
            )?;
        }
        for file in self.files.shown() {
            let from = self.given.get(&file.path).map(|from| format!(" (given: {})", from.display()));
            writeln!(f, "  file     {} {:o}{}", file.path, file.mode, from.unwrap_or_default())?;
            if let Some(hash) = &file.sha256 {
                writeln!(f, "    sha256 {hash}")?;
            }
            let Some(content) = file.content else { continue };
            for line in String::from_utf8_lossy(&content.0).lines() {
                writeln!(f, "    | {line}")?;
            }
        }
        Ok(())
    }
}
