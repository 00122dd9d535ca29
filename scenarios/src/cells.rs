//! Every cell of a scenario's matrix as a test of its own name.

use harness::plan::{cells, choose, describe};
use harness::spec::Scenario;

/// One test for each cell, and one that holds the table against the file: a cell that is added there gets its test, or fails.
#[macro_export]
macro_rules! cells {
    ($scenario:literal, $($name:ident: $cell:literal,)*) => {
        #[cfg(feature = "lab")]
        #[rstest::rstest]
        $(#[case::$name($cell)])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn cell(#[case] products: &str) {
            let ran = $crate::run(&$crate::file($scenario), Some(products), None).await;
            ran.must(harness::check::Verdict::Pass);
        }

        #[test]
        fn every_cell_of_the_matrix_has_a_test_of_its_name() {
            $crate::hold_against_the_file($scenario, &[$((stringify!($name), $cell)),*]);
        }
    };
}

/// # Panics
/// When the scenario's matrix has other cells than the table, or a row's name is not its cell's.
#[track_caller]
pub fn hold_against_the_file(scenario: &str, table: &[(&str, &str)]) {
    let scenario = Scenario::load(&crate::file(scenario), None).expect("a good scenario");
    let (possible, _) = cells(&scenario);
    let named = possible.iter().map(|cell| describe(cell).replace(|c: char| !c.is_ascii_alphanumeric(), " "));
    let named: Vec<String> = named.map(|name| name.split_whitespace().collect::<Vec<_>>().join("_")).collect();
    assert_eq!(table.iter().map(|(name, _)| *name).collect::<Vec<_>>(), named);
    let chosen = table.iter().map(|(_, cell)| choose(&scenario, Some(cell)).expect("a cell"));
    assert_eq!(chosen.collect::<Vec<_>>(), possible);
}
