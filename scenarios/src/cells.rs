//! Every cell of a scenario's matrix, and every mutant, as a test of its own name.
//!
//! The tables in `tests/cells/` are made from the scenario files; a test holds them against these.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use harness::plan::{Cells, cells, test_name};
use harness::spec::Scenario;

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
            ran.must(harness::check::Verdict::Pass);
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
            ran.must(harness::check::Verdict::Pass);
        }
    };
}

/// The files of `tests/cells/` as the scenarios of the workspace have it: path -> contents.
///
/// # Panics
/// A scenario is not good.
#[must_use]
pub fn tables() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(root).expect("this folder");
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut names: Vec<String> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "toml"))
        .map(|file| file.file_stem().unwrap_or_default().to_string_lossy().into_owned())
        .filter(|name| name != "Cargo")
        .collect();
    names.sort();
    let folder = root.join("tests/cells");
    let mut main = String::from(
        "//! Every cell of every scenario, and every mutant: made by `INSTA_UPDATE=always cargo test -p scenarios --test tables`.\n\n",
    );
    main.extend(names.iter().map(|name| format!("mod {};\n", name.replace('-', "_"))));
    let tables = names.iter().map(|name| (folder.join(format!("{}.rs", name.replace('-', "_"))), table(name)));
    tables.chain([(folder.join("main.rs"), main)]).collect()
}

fn table(name: &str) -> String {
    let scenario = Scenario::load(&crate::file(name), None).unwrap_or_else(|error| panic!("{error}"));
    let Cells { default, more, .. } = cells(&scenario);
    let rows = |cells: &[harness::spec::Cell]| -> Vec<(String, String)> {
        cells.iter().map(|cell| (test_name(cell), cell.without_the_watchdog().to_string())).collect()
    };
    let mutants = scenario.mutants.keys().map(|mutant| (mutant.replace('-', "_"), mutant.clone())).collect();
    let parts = [("default", rows(&default)), ("more", rows(&more)), ("mutants", mutants)];
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
