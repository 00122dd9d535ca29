//! The joint oracle: at every router RIB and FIB hold exactly the expected nodes, and exactly these answer every client.

use super::conclude::{Seen, conclude};
use super::{Case, nanos};
use crate::outcome::Finding;
use crate::plan::{Expectation, Plan, ServiceAddress};
use crate::spec::Family;

mod answers;
mod explain;
mod first;
#[cfg(test)]
mod naive;
mod tables;
#[cfg(test)]
mod tests;
mod train;

pub(super) use answers::{Answers, longest_wait};
pub(super) use explain::wrong_answers;
use tables::Tables;

pub(super) use super::world::Layer;

/// What an expectation says of one service address.
pub(super) struct Want<'p> {
    /// The address.
    pub(super) target: &'p ServiceAddress,
    /// The nodes that serve it, sorted.
    pub(super) nodes: Vec<&'p str>,
}

/// The addresses in an expectation's scope, and who must serve each.
pub(super) fn wants<'p>(plan: &'p Plan, expectation: &Expectation) -> Vec<Want<'p>> {
    let expect = &expectation.expect;
    let in_scope = |target: &&ServiceAddress| {
        expect.service.as_ref().is_none_or(|service| *service == target.service)
            && expect.family.is_none_or(|family| family == Family::of(target.address))
    };
    let want = |target: &'p ServiceAddress| {
        let mut nodes: Vec<&str> = target.served_by.iter().map(String::as_str).collect();
        nodes.retain(|node| expect.instances().iter().any(|expected| expected == node));
        nodes.sort_unstable();
        Want { target, nodes }
    };
    plan.services.iter().filter(in_scope).map(want).collect()
}

pub(super) fn judge(case: &Case<'_>) -> Finding {
    let Case { plan, facts, expectation, origin, .. } = *case;
    let wants = wants(plan, expectation);
    let tables = Tables::of(facts, expectation, &wants);
    let answers = Answers::of(case, &wants);
    let held_from = [tables.right_since(), answers.right_since()]
        .into_iter()
        .try_fold(origin, |latest, since| Some(latest.max(since?)));
    let stable = nanos(expectation.expect.stable.0);
    let seen = Seen { held_from, stable, proven: &|held| answers.proven(held, stable) };
    conclude(case, &answers, &seen, || {
        let found = explain::found(case, &tables, &answers, wants.len());
        (found, first::hop(case, &tables, &answers, &wants))
    })
}
