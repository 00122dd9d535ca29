//! Rules about the routes that begin here.

use super::{Bgp, Dialect, File, Finding, Rule, Severity};

pub(super) const RULES: &[&Rule] = &[&AT_START, &UNWATCHED, &CONNECTED, &IMPORT_CHECK];

static AT_START: Rule = Rule {
    dialect: Dialect::Frr,
    id: "announced-at-start",
    severity: Severity::Error,
    summary: "a `network` statement for a single address in the file",
    reason: "bgpd announces the address as soon as a session is up, before any check, and again when it is started by \
             watchfrr: queries come to a server that may not run.",
    source: "FRR documentation, BGP `network`",
    hint: "remove the line: the watchdog adds and removes it in the running bgpd (`--through frr`)",
};

static UNWATCHED: Rule = Rule {
    dialect: Dialect::Frr,
    id: "unwatched-route",
    severity: Severity::Note,
    summary: "a `network` statement for a prefix with an address of `lo` in it",
    reason: "No health check withdraws it. That is right for a covering route, and wrong if this is the route by which \
             queries come.",
    source: "FRR documentation, BGP `network`",
    hint: "have the watchdog announce it, if queries come by it",
};

static CONNECTED: Rule = Rule {
    dialect: Dialect::Frr,
    id: "connected-exported",
    severity: Severity::Warning,
    summary: "`redistribute connected` without a route-map on a server",
    reason: "All addresses of `lo` are announced, the anycast ones too: when the watchdog removes its `network` \
             statement the route is still there. It is a note where the file does not tell whether it is a server's, \
             but has an address on `lo`.",
    source: "FRR documentation, BGP `redistribute`",
    hint: "remove it, or give it a route-map that leaves the anycast addresses out",
};

static IMPORT_CHECK: Rule = Rule {
    dialect: Dialect::Frr,
    id: "import-check",
    severity: Severity::Note,
    summary: "no `no bgp network import-check` on a server",
    reason: "bgpd announces a `network` only while the very same prefix is in the kernel's table: an anycast address \
             must be on an interface as a /32 or /128. Without zebra, or with the address in a larger network, it is \
             never announced.",
    source: "FRR documentation, BGP `network import-check`; bgpd/bgp_vty.c",
    hint: "add `no bgp network import-check`, unless the addresses are on `lo` at any time",
};

pub(super) fn check(file: &File<'_>, bgp: &Bgp<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let server = file.is_of_server(bgp);
    for (prefix, line) in bgp.networks() {
        if bgp.is_own(prefix) {
            continue;
        }
        if prefix.is_host() {
            findings.push(AT_START.at(line, format!("{} is in the file of router bgp {}", prefix.address, bgp.asn)));
        } else if let Some(inside) = file.loopback.iter().find(|address| prefix.covers(**address)) {
            let text =
                format!("a prefix with {}, which is on `lo`, is announced whatever its server does", inside.address);
            findings.push(UNWATCHED.at(line, text));
        }
    }
    for line in
        bgp.all_lines().filter(|line| line.starts(&["redistribute", "connected"]) && !line.words.contains(&"route-map"))
    {
        let finding = CONNECTED.at(line.number, format!("router bgp {} announces all connected networks", bgp.asn));
        if server {
            findings.push(finding);
        } else if !file.loopback.is_empty() {
            findings.push(finding.with(Severity::Note));
        }
    }
    let unchecked = bgp.get(&["no", "bgp", "network", "import-check"]).is_some() || file.is_before((7, 4));
    if server && !unchecked {
        let text = format!("router bgp {} checks that its networks are in the kernel", bgp.asn);
        findings.push(IMPORT_CHECK.at(bgp.line, text));
    }
    findings
}
