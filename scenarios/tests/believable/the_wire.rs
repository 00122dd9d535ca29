//! What the nodes say on the wire: who answers, and who must not.

use harness::lab::Lab;

use crate::inside::{self, Folder, bash};

/// `id.server` CH TXT (RFC 4892), as printf(1) takes it: identifier, flags, one question.
const WHO: &str = r"\x12\x34\0\0\0\1\0\0\0\0\0\0\2id\6server\0\0\x10\0\3";

/// What a node answers to `id.server`, its reply's last octets: a TXT record of one string (RFC 1035, section 3.3.14).
async fn instance(lab: &Lab<'_>, at: &str) -> String {
    // A datagram is one read; od shows octets that are no text.
    let script =
        format!("exec 3<>/dev/udp/{at}/53; printf '{WHO}' >&3; dd bs=512 count=1 status=none <&3 | od -An -v -tx1");
    let shown = bash(lab, "client", &script).await.unwrap_or_else(|error| panic!("{at}: {error}"));
    let octets: Vec<u8> =
        shown.split_whitespace().map(|octet| u8::from_str_radix(octet, 16).expect("od writes octets")).collect();
    assert_eq!(octets.get(..2), Some(&[0x12, 0x34][..]), "{at}: another query's answer: {shown}");
    let begin = octets.windows(4).rposition(|four| four == [0, 0x10, 0, 3]).expect("a TXT record");
    // After type and class: four octets of TTL, two of length, one of the string's length.
    let text = octets.get(begin + 11..).expect("a whole record");
    String::from_utf8_lossy(text.get(..usize::from(octets[begin + 10])).expect("a whole string")).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_server_says_who_it_is() {
    let _turn = scenarios::turn(1).await;
    let plan = inside::plan(&scenarios::file("kill-named"));
    scenarios::up(&plan, async |lab, _| {
        inside::serve(lab).await;
        for (address, name) in
            [("10.1.53.11", "ns1"), ("2001:db8:53::11", "ns1"), ("10.1.53.12", "ns2"), ("2001:db8:53::12", "ns2")]
        {
            assert_eq!(instance(lab, address).await, name, "at {address}");
        }
    })
    .await;
}

/// Every server has the anycast address: if one answered for it on the segment, traffic would pass by the router's choice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_answers_for_an_anycast_address_on_the_segment() {
    let _turn = scenarios::turn(1).await;
    let folder = Folder::new();
    let plan = inside::plan(&folder.write(
        "bystander.toml",
        r#"
title    = "a machine on the servers' segment that knows no anycast route"
topology = "two-servers"
patch    = { nodes.bystander.on = { servers = ["10.1.53.99", "2001:db8:53::99"] } }

[[step]]
expect = { serving = ["ns1", "ns2"] }
"#,
    ));
    scenarios::up(&plan, async |lab, _| {
        inside::serve(lab).await;
        for (own, anycast) in [("10.1.53.11", "10.1.53.1"), ("2001:db8:53::11", "2001:db8:53::1")] {
            let connect = async |to: &str| {
                let to = std::net::SocketAddr::new(to.parse().expect("an address"), 53);
                inside::connect(lab, "bystander", to, "").await
            };
            connect(own).await.unwrap_or_else(|error| panic!("it does not reach ns1 at {own}: {error}"));
            let silence = connect(anycast).await.expect_err("somebody answers there");
            assert!(silence.contains("No route to host"), "somebody answers for {anycast} by ARP or ND: {silence}");
        }
    })
    .await;
}
