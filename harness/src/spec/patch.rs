//! JSON merge patches (RFC 7396) over TOML: tables merge, everything else replaces. TOML has no null, so nothing is removed.

use toml::{Table, Value};

/// `target` with `patch` merged into it.
pub(super) fn merge(target: &mut Table, patch: &Table) {
    for (key, value) in patch {
        match (target.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(patch)) => merge(inner, patch),
            _ => {
                target.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_merge_and_arrays_replace() {
        let mut target: Table = toml::from_str("[nodes.ns1]\nasn = 1\nruns = ['resolver', 'speaker']").expect("toml");
        let patch: Table = toml::from_str("nodes.ns1.runs = ['resolver']\nnodes.ns2.asn = 2").expect("toml");
        merge(&mut target, &patch);
        let expected: Table =
            toml::from_str("[nodes.ns1]\nasn = 1\nruns = ['resolver']\n[nodes.ns2]\nasn = 2").expect("toml");
        assert_eq!(target, expected);
    }

    #[test]
    fn a_patch_twice_is_a_patch_once() {
        let patch: Table = toml::from_str("a.b = 1\nc = [1]").expect("toml");
        let mut once = Table::new();
        merge(&mut once, &patch);
        let mut twice = once.clone();
        merge(&mut twice, &patch);
        assert_eq!(once, twice);
    }
}
