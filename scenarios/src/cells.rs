//! Every cell of a scenario's matrix, and every mutant, as a test of its own name.
//!
//! The tables in `tests/cells/` are made from the scenario files; a test holds them against these.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use harness::plan::{cells, test_name};
use harness::spec::{Cell, Scenario};

/// A test for each row. Rows under `more` are compiled when `ANYCAST_LAB_CELLS=all`.
#[macro_export]
macro_rules! cells {
    (
        $scenario:literal,
        default: { $($name:ident: $cell:literal,)* },
        more: { $($more_name:ident: $more_cell:literal,)* },
        mutants: { $($mutant_name:ident: $mutant:literal,)* },
    ) => {
        #[cfg(feature = "lab")]
        #[rstest::rstest]
        $(#[case::$name($cell)])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn cell(#[case] products: &str) {
            let ran = $crate::run(&$crate::file($scenario), Some(products), None).await;
            ran.must(harness::outcome::Verdict::Pass);
        }

        $crate::more_cells! { $scenario, $($more_name: $more_cell,)* }

        #[cfg(feature = "lab")]
        #[rstest::rstest]
        $(#[case::$mutant_name($mutant)])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn mutant(#[case] name: &str) {
            let ran = $crate::run(&$crate::file($scenario), None, Some(name)).await;
            ran.must_fail_as_the_mutant_must();
        }
    };
}

/// The rest of the full product, if there is any.
#[macro_export]
macro_rules! more_cells {
    ($scenario:literal,) => {};
    ($scenario:literal, $($name:ident: $cell:literal,)+) => {
        #[cfg(all(feature = "lab", every_cell))]
        #[rstest::rstest]
        $(#[case::$name($cell)])+
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn further_cell(#[case] products: &str) {
            let ran = $crate::run(&$crate::file($scenario), Some(products), None).await;
            ran.must(harness::outcome::Verdict::Pass);
        }
    };
}

/// The scenarios of the workspace, by name.
///
/// # Panics
/// This folder cannot be read.
#[must_use]
pub fn names() -> Vec<String> {
    let entries = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("this folder");
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut names: Vec<String> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "toml"))
        .map(|file| file.file_stem().unwrap_or_default().to_string_lossy().into_owned())
        .filter(|name| name != "Cargo")
        .collect();
    names.sort();
    names
}

/// Where the tables are.
#[must_use]
pub fn tables_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cells")
}

/// The files of `tests/cells/` as the scenarios of the workspace have it: path -> contents.
///
/// # Panics
/// A scenario is not good, offers what is in no cell, or has no mutant.
#[must_use]
pub fn tables() -> Vec<(PathBuf, String)> {
    let (folder, names) = (tables_folder(), names());
    let mut main = String::from(
        "//! Every cell of every scenario, and every mutant: made by `INSTA_UPDATE=always cargo test -p scenarios --test tables`.\n\n",
    );
    main.extend(names.iter().map(|name| format!("mod {};\n", module(name))));
    let tables = names.iter().map(|name| (folder.join(format!("{}.rs", module(name))), table(name)));
    tables.chain([(folder.join("main.rs"), main)]).collect()
}

fn module(name: &str) -> String {
    name.replace('-', "_")
}

fn table(name: &str) -> String {
    let scenario = Scenario::load(&crate::file(name), None).unwrap_or_else(|error| panic!("{error}"));
    let cells = cells(&scenario);
    assert_eq!(
        cells.never(),
        [],
        "{name} offers what is in no cell that can be had: `cargo lab plan --cells --all` says why"
    );
    assert!(!scenario.mutants.is_empty(), "{name} has no mutant: nothing shows that its Pass proves anything");
    let rows = |cells: &[Cell]| -> Vec<(String, String)> {
        cells.iter().map(|cell| (test_name(cell), cell.without_the_watchdog().to_string())).collect()
    };
    let mutants = scenario.mutants.keys().map(|mutant| (module(mutant), mutant.clone())).collect();
    let parts = [("default", rows(&cells.default)), ("more", rows(&cells.more)), ("mutants", mutants)];
    let mut text =
        format!("//! `{name}`, in every cell of its matrix, and as its mutants.\n\nscenarios::cells! {{ \"{name}\",\n");
    for (part, rows) in parts {
        let rows: String = rows.iter().map(|(name, value)| format!("        {name}: \"{value}\",\n")).collect();
        let open = if rows.is_empty() { "" } else { "\n" };
        let close = if rows.is_empty() { "" } else { "    " };
        // Writing to a String cannot fail.
        writeln!(text, "    {part}: {{{open}{rows}{close}}},").ok();
    }
    text + "}\n"
}
