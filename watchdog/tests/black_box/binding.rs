//! Addresses come and go, in a network namespace of the test's own: it starts itself anew in one.

use std::net::IpAddr;
use std::process::Command;
use std::{env, time::Duration};

use tokio::time::timeout;
use watchdog::binding::Addresses;

use crate::server::PATIENCE;

const CHILD: &str = "ANYCAST_WATCHDOG_TEST_NAMESPACE";
const TEST: &str = "binding::an_address_that_leaves_or_returns_is_told_at_once";

#[tokio::test]
async fn an_address_that_leaves_or_returns_is_told_at_once() {
    if env::var_os(CHILD).is_some() {
        return come_and_go().await;
    }
    let this = env::current_exe().unwrap();
    let child = Command::new("unshare")
        .args(["--map-root-user", "--net", "--"])
        .arg(this)
        .args(["--exact", TEST, "--nocapture"])
        .env(CHILD, "")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&child.stderr);
    let stdout = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success(),
        "{stdout}\n{stderr}\nhint: it needs a network namespace, from a user namespace or as root"
    );
}

async fn come_and_go() {
    let ip = |arguments: &str| assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success());
    let [v4, v6]: [IpAddr; 2] = ["10.1.53.1", "2001:db8:53::1"].map(|text| text.parse().unwrap());
    let mut addresses = Addresses::watch(&[v4, v6]).unwrap();
    assert_eq!(addresses.missing().await.unwrap(), [v4, v6]);
    ip("link set lo up");
    addresses.bind(v4).await.unwrap();
    assert_eq!(changed(&mut addresses).await, [v6]);
    // It may be there already.
    addresses.bind(v4).await.unwrap();
    ip("addr add 2001:db8:53::1/128 dev lo");
    assert!(changed(&mut addresses).await.is_empty());

    ip("addr del 10.1.53.1/32 dev lo");
    assert_eq!(changed(&mut addresses).await, [v4]);
    // Of others that come and go nothing is told.
    ip("addr add 10.9.53.1/32 dev lo");
    assert!(timeout(Duration::from_millis(100), addresses.changed()).await.is_err());
    addresses.unbind(v6).await.unwrap();
    assert_eq!(changed(&mut addresses).await, [v4, v6]);
    addresses.unbind(v6).await.unwrap();

    // On another interface it is as good.
    ip("link add other0 type veth peer name other1");
    ip("addr add 10.1.53.1/32 dev other0");
    ip("link set other0 up");
    assert_eq!(changed(&mut addresses).await, [v6]);
    ip("link del other0");
    assert_eq!(changed(&mut addresses).await, [v4, v6]);
}

async fn changed(addresses: &mut Addresses) -> Vec<IpAddr> {
    timeout(PATIENCE, addresses.changed()).await.expect("a change").unwrap()
}
