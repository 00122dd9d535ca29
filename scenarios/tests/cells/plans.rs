//! Every cell of every scenario has a plan, and only one.

use harness::plan::{Plan, cells, choose};
use harness::spec::{Cell, Scenario};

/// As a run's folder keeps it.
fn plan(name: &str, mutant: Option<&str>, cell: &str) -> (Plan, String) {
    let plan = scenarios::request(&scenarios::file(name), Some(cell), mutant).plan();
    let plan = plan.unwrap_or_else(|error| panic!("{name}, {cell}: {error}"));
    let json = serde_json::to_string(&plan).expect("JSON");
    (plan, json)
}

#[test]
fn the_same_scenario_and_cell_give_the_same_plan_to_the_byte() {
    for name in scenarios::names() {
        let scenario = Scenario::load(&scenarios::file(&name), None).expect("a good scenario");
        let mut seen = std::collections::BTreeMap::new();
        for cell in cells(&scenario).possible() {
            let ((planned, json), (_, again)) =
                (plan(&name, None, &cell.to_string()), plan(&name, None, &cell.to_string()));
            assert!(json == again, "{name}, {cell}: two plans");
            assert_eq!(planned.cell, *cell, "{name}");
            // It is read again as it was written.
            let read: Plan = serde_json::from_str(&json).expect("a plan");
            assert!(serde_json::to_string(&read).expect("JSON") == json, "{name}, {cell}: not what was written");
            // But for its name, no cell is another one: keys are in the plan and not in JSON.
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
            let (planned, json) = plan(&name, Some(mutant), &cell.to_string());
            assert!(json == plan(&name, Some(mutant), &cell.to_string()).1, "{name}[{mutant}]: two plans");
            let original = plan(&name, None, &cell.to_string()).0;
            let same = planned.nodes == original.nodes && planned.steps == original.steps;
            assert!(!same, "{name}[{mutant}]: nothing was taken away");
        }
    }
}
