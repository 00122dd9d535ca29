//! The guard makes the bridges that an engine makes late, without an address, and leaves none that nobody uses.
//!
//! It runs in a network namespace of its own: `cargo test -p anycast-lab-probe --features lab --test guard`, as root.
#![cfg(feature = "lab")]

use std::process::Command;

const PROBE: &str = env!("CARGO_BIN_EXE_anycast-lab-probe");

/// Has a guard take what `script` writes, in a new network namespace; both write to what is returned, and `after` follows its end.
fn guard(script: &str, after: &str) -> String {
    let script = format!("({script}) | {PROBE} guard; {after}");
    let output = Command::new("unshare").args(["--net", "bash", "-c", &script]).output();
    let output = output.expect("unshare(1) is in util-linux");
    assert!(output.status.success(), "{output:?}");
    [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
}

#[test]
fn a_bridge_that_is_missing_is_made_without_an_address_and_goes_with_its_guard() {
    let said = guard("echo make al-one; sleep 1; ip -4 -brief address show al-one >&2", "ip -brief link");
    assert!(said.starts_with("guarded al-one\n"), "{said}");
    assert_eq!(said.matches("al-one").count(), 1, "it has no address, and is gone in the end: {said}");
}

#[test]
fn a_bridge_that_a_node_has_come_to_is_the_engines() {
    let port = "ip link add port type veth peer name node && ip link set port master al-two";
    let said = guard(&format!("echo make al-two; sleep 1; {port}; sleep 1"), "ip -brief link show al-two");
    assert_eq!(said.matches("al-two").count(), 2, "it is guarded, and stays: {said}");
}

#[test]
fn a_bridge_that_must_be_there_is_not_made() {
    let said = guard("echo al-three; sleep 1", "ip -brief link");
    assert!(said.starts_with("failed al-three: there is no interface al-three on the host\n"), "{said}");
}
