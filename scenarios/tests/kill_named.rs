//! `kill-named`: in every cell of its matrix, and as its mutant.

use harness::plan::{cells, choose, describe};
use harness::spec::Scenario;

/// One test for each cell, and their list, from one table.
macro_rules! cells {
    ($($name:ident: $cell:literal,)*) => {
        const CELLS: &[(&str, &str)] = &[$((stringify!($name), $cell)),*];

        #[cfg(feature = "lab")]
        #[rstest::rstest]
        $(#[case::$name($cell)])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn cell(#[case] products: &str) {
            use harness::check::Verdict;
            scenarios::run(&scenarios::file("kill-named"), Some(products), None).await.must(Verdict::Pass);
        }
    };
}

cells! {
    bind_9_20_exabgp_5_0_15_bird_2_17: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17",
    bind_9_20_exabgp_5_0_15_bird_3_1: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@3.1",
    bind_9_20_exabgp_5_0_15_bird_2_0_12: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.0.12",
    bind_9_20_exabgp_4_2_25_bird_2_17: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=bird@2.17",
    bind_9_20_exabgp_4_2_25_bird_3_1: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=bird@3.1",
    bind_9_20_exabgp_4_2_25_bird_2_0_12: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=bird@2.0.12",
    bind_9_18_exabgp_5_0_15_bird_2_17: "resolver=bind@9.18,speaker=exabgp@5.0.15,router=bird@2.17",
    bind_9_18_exabgp_5_0_15_bird_3_1: "resolver=bind@9.18,speaker=exabgp@5.0.15,router=bird@3.1",
    bind_9_18_exabgp_5_0_15_bird_2_0_12: "resolver=bind@9.18,speaker=exabgp@5.0.15,router=bird@2.0.12",
    bind_9_18_exabgp_4_2_21_bird_2_17: "resolver=bind@9.18,speaker=exabgp@4.2.21,router=bird@2.17",
    bind_9_18_exabgp_4_2_21_bird_3_1: "resolver=bind@9.18,speaker=exabgp@4.2.21,router=bird@3.1",
    bind_9_18_exabgp_4_2_21_bird_2_0_12: "resolver=bind@9.18,speaker=exabgp@4.2.21,router=bird@2.0.12",
}

/// A cell that is added to the file gets its test, or this fails.
#[test]
fn every_cell_of_the_matrix_has_a_test_of_its_name() {
    let scenario = Scenario::load(&scenarios::file("kill-named"), None).expect("a good scenario");
    let (possible, _) = cells(&scenario);
    let named = possible.iter().map(|cell| describe(cell).replace(|c: char| !c.is_ascii_alphanumeric(), " "));
    let named: Vec<String> = named.map(|name| name.split_whitespace().collect::<Vec<_>>().join("_")).collect();
    assert_eq!(CELLS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), named);
    let chosen = CELLS.iter().map(|(_, cell)| choose(&scenario, Some(cell)).expect("a cell"));
    assert_eq!(chosen.collect::<Vec<_>>(), possible);
}

/// The scenario can tell a lab with a watchdog from one without: else its Pass would prove nothing.
#[cfg(feature = "lab")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutant_no_watchdog() {
    let ran = scenarios::run(&scenarios::file("kill-named"), None, Some("no-watchdog")).await;
    assert_eq!(ran.outcome.summary.as_the_mutant_must(&ran.outcome.plan), Some(true), "{ran}");
    let lines: Vec<Vec<&str>> = ran.text.lines().map(|line| line.split_whitespace().collect()).collect();
    for begins in [
        "✗ ns2 alone serves",
        "expected serving ns2, within",
        "found router routes via ns1 and ns2: 4 of 4 addresses",
        "first no withdrawal of 10.1.53.1 by ns1 on the wire",
        "watched 10.0 s further: it would not have passed",
    ] {
        assert!(lines.iter().any(|line| line.join(" ").contains(begins)), "no line {begins:?}:\n{ran}");
    }
}
