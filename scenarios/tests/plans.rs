//! Every cell of every scenario has one plan, which is no other cell's lab; and no mutant is its scenario.

use std::collections::BTreeMap;

use harness::plan::{Plan, cells, choose};
use harness::spec::{Cell, Scenario};

/// A plan, and what a run's folder keeps of it.
fn plan(name: &str, mutant: Option<&str>, cell: &Cell) -> (Plan, String) {
    let plan = scenarios::request(&scenarios::file(name), Some(&cell.to_string()), mutant).plan();
    let plan = plan.unwrap_or_else(|error| panic!("{name}, {cell}: {error}"));
    let json = serde_json::to_string(&plan).expect("JSON");
    (plan, json)
}

#[test]
fn every_cell_is_a_lab_of_its_own_and_its_record_reads_back() {
    assert!(scenarios::names().len() > 1);
    for name in scenarios::names() {
        let load = || Scenario::load(&scenarios::file(&name), None).expect("a good scenario");
        let (scenario, again) = (load(), load());
        assert_eq!(cells(&scenario), cells(&again), "{name} has not the same cells twice");
        let mut seen = BTreeMap::new();
        for cell in cells(&scenario).possible() {
            let plan = |scenario: &Scenario| {
                Plan::new(scenario, cell.clone()).unwrap_or_else(|error| panic!("{name}, {cell}: {error}"))
            };
            let written = |plan: &Plan| (plan.to_string(), serde_json::to_string(plan).expect("JSON"));
            let planned = plan(&scenario);
            let (text, json) = written(&planned);
            assert!((text, json.clone()) == written(&plan(&again)), "{name}, {cell}: not planned the same twice");
            let read: Plan = serde_json::from_str(&json).expect("a plan");
            assert!(serde_json::to_string(&read).expect("JSON") == json, "{name}, {cell}: not what was written");
            // Keys are in the plan and not in JSON.
            let nameless = Plan { cell: Cell::default(), ..planned };
            let json = serde_json::to_string(&nameless).expect("JSON");
            if let Some((other, same)) = seen.insert(json, (cell.clone(), nameless.clone())) {
                assert!(same != nameless, "{name}: {cell} and {other} are the same lab");
            }
        }
    }
}

#[test]
fn every_mutant_has_a_plan_in_its_cell_that_is_not_the_scenarios() {
    for name in scenarios::names() {
        let scenario = Scenario::load(&scenarios::file(&name), None).expect("a good scenario");
        for (mutant, declared) in &scenario.mutants {
            let mutated = Scenario::load(&scenarios::file(&name), Some(mutant)).expect("a good mutant");
            let cell = choose(&mutated, None).unwrap_or_else(|error| panic!("{name}[{mutant}]: {error}"));
            let wanted: Cell = declared.cell.as_deref().unwrap_or_default().parse().expect("a cell");
            assert!(cell.agrees(&wanted), "{name}[{mutant}]: runs in {cell}");
            let (planned, json) = plan(&name, Some(mutant), &cell);
            assert!(json == plan(&name, Some(mutant), &cell).1, "{name}[{mutant}] is not planned the same twice");
            let original = plan(&name, None, &cell).0;
            let same = planned.nodes == original.nodes && planned.steps == original.steps;
            assert!(!same, "{name}[{mutant}]: nothing was taken away");
        }
    }
}
