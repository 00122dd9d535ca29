//! Recorded runs of real labs, judged again without one: the verdict must be what it was, and the text what it says.

use std::path::{Path, PathBuf};

use harness::history::{Events, Recorder};
use harness::judge::{Budgets, Rejudged, rejudge};
use harness::outcome::{Played, Verdict};
use harness::plan::Plan;
use harness::report::{RunFolder, Summary};
use tempfile::TempDir;

fn record(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name)
}

/// A run that was judged again, and what was told of it.
struct Again {
    played: Vec<Played>,
    plan: Plan,
    text: String,
}

fn again(folder: &Path, budgets: &Budgets) -> Again {
    let mut text = Vec::new();
    let Rejudged { plan, played } = rejudge(folder, budgets, &mut text, false, "(judged again)").expect("a record");
    Again { plan, played, text: String::from_utf8(text).expect("text") }
}

fn judge(name: &str, budgets: &Budgets) -> (Again, Summary) {
    let again = again(&record(name), budgets);
    let summary = Summary::of(&again.plan, &again.played);
    (again, summary)
}

#[test]
fn a_failover_passes_again() {
    let (rejudged, summary) = judge("kill-named", &Budgets::default());
    assert_eq!((summary.verdict, summary.at), (Verdict::Pass, None));
    assert_eq!(rejudged.played.len(), 5);
    insta::assert_snapshot!(rejudged.text);
}

#[test]
fn a_failover_in_format_1_passes_again() {
    let (rejudged, summary) = judge("format-1", &Budgets::default());
    assert_eq!((summary.verdict, summary.at), (Verdict::Pass, None));
    assert_eq!(rejudged.played.len(), 5);
}

#[test]
fn a_mutant_fails_again_where_it_must() {
    let (rejudged, summary) = judge("no-watchdog", &Budgets::default());
    assert_eq!(summary.as_the_mutant_must(&rejudged.plan), Some(true));
    insta::assert_snapshot!(rejudged.text);
}

#[test]
fn a_run_whose_router_was_lost_is_unknown_again() {
    let (rejudged, summary) = judge("router-lost", &Budgets::default());
    assert_eq!(summary.verdict, Verdict::Unknown);
    insta::assert_snapshot!(rejudged.text);
}

#[test]
fn every_check_passes_again_and_a_last_step_that_asserts_nothing_is_over() {
    let (rejudged, summary) = judge("every-check", &Budgets::default());
    assert_eq!((summary.verdict, summary.at), (Verdict::Pass, None));
    insta::assert_snapshot!(rejudged.text);
}

#[test]
fn tighter_budgets_fail_what_passed() {
    let within = Budgets { within: "2ms".parse().ok(), ..Budgets::default() };
    assert_eq!(judge("kill-named", &within).1, Summary { verdict: Verdict::Fail, at: Some(2) });
    let gap = Budgets { gap: "1ms".parse().ok(), ..Budgets::default() };
    assert_eq!(judge("kill-named", &gap).1, Summary { verdict: Verdict::Fail, at: Some(2) });
    let lost = Budgets { lost: Some(0), ..Budgets::default() };
    assert_eq!(judge("kill-named", &lost).1, Summary { verdict: Verdict::Fail, at: Some(2) });
}

#[test]
fn what_is_no_record_is_an_error() {
    assert!(rejudge(&record("nothing"), &Budgets::default(), std::io::sink(), false, "").is_err());
}

#[test]
fn a_record_of_format_0_gives_the_same_verdict_in_format_1() {
    for name in ["kill-named", "no-watchdog", "router-lost", "every-check"] {
        let (old, new) = (record(name), TempDir::new().expect("a temporary folder"));
        std::fs::copy(old.join("plan.json"), new.path().join("plan.json")).expect("it is copied");
        let recorder = Recorder::new(Some(&RunFolder::open(new.path()).history())).expect("a file");
        for event in Events::open(&old.join("history.jsonl")).expect("a record") {
            recorder.record(event.expect("an event"));
        }
        recorder.finish().expect("it is written");
        let rejudged = again(new.path(), &Budgets::default());
        assert_eq!(rejudged.text, judge(name, &Budgets::default()).0.text, "{name}");
        let size = |file: PathBuf| std::fs::metadata(file).expect("it is there").len();
        let (before, after) = (size(old.join("history.jsonl")), size(new.path().join("history.jsonl.zst")));
        assert!(after * 5 < before, "{name}: {before} octets, {after} in format 1");
    }
}

#[test]
fn a_record_that_is_cut_short_is_unknown() {
    let (old, new) = (record("kill-named"), TempDir::new().expect("a temporary folder"));
    std::fs::copy(old.join("plan.json"), new.path().join("plan.json")).expect("it is copied");
    let whole = std::fs::read(old.join("history.jsonl")).expect("it is there");
    std::fs::write(new.path().join("history.jsonl"), whole.get(..whole.len() / 2).expect("half of it")).expect("room");
    let rejudged = again(new.path(), &Budgets::default());
    assert_eq!(Summary::of(&rejudged.plan, &rejudged.played).verdict, Verdict::Unknown);
}
