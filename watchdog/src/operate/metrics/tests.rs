use std::collections::BTreeSet;

use super::super::status::tests::example;
use super::*;

#[test]
fn the_text() {
    insta::assert_snapshot!(text(&example()));
}

#[test]
fn labels_are_escaped() {
    assert_eq!(escaped("a\\b\"c\nd"), r#"a\\b\"c\nd"#);
}

/// What the format asks for: HELP and TYPE before the first sample, each family in one piece, each sample once.
#[test]
fn the_format_is_kept() {
    let text = text(&example());
    let (mut families, mut samples) = (BTreeSet::new(), BTreeSet::new());
    let mut family = "";
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap();
            assert!(families.insert(family), "{family} twice");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            assert_eq!(sample.split('{').next(), Some(family));
            assert!(samples.insert(sample), "{sample} twice");
            assert!(value.parse::<f64>().unwrap().is_finite());
        }
    }
    assert!(text.ends_with('\n'));
}
