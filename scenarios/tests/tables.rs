//! Whether the tables in `cells/` are what the scenarios have: a cell or mutant that is added there has its test.

use std::fs;

#[test]
fn every_cell_and_every_mutant_has_its_test() {
    let write = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    let tables = scenarios::tables();
    let mut stale = Vec::new();
    for (path, expected) in &tables {
        if fs::read_to_string(path).is_ok_and(|found| found == *expected) {
            continue;
        }
        match write {
            true => fs::write(path, expected).expect("a table can be written"),
            false => stale.push(path.display().to_string()),
        }
    }
    // Those of scenarios that are gone.
    for entry in fs::read_dir(scenarios::tables_folder()).expect("the tables' folder") {
        let path = entry.expect("a file").path();
        if tables.iter().any(|(table, _)| *table == path) {
            continue;
        }
        match write {
            true => fs::remove_file(&path).expect("a table can be removed"),
            false => stale.push(path.display().to_string()),
        }
    }
    let hint =
        "hint: `INSTA_UPDATE=always cargo test -p scenarios --test tables`, and commit them; then `ci/matrix --write`";
    assert!(stale.is_empty(), "not as the scenarios say: {}\n{hint}", stale.join(", "));
}
