//! BIND 9: authoritative for the zones of its services, and says by NSID and id.server who it is.

use std::collections::{BTreeMap, BTreeSet};

use protocol::Daemon;
use serde_json::json;

use super::template::fill;
use super::{Kind, Role, Site};

pub(super) struct Bind;

const CONFIG: &str = "/etc/bind/named.conf";

impl Kind for Bind {
    fn name(&self) -> &'static str {
        "bind"
    }

    fn plays(&self) -> &'static [Role] {
        &[Role::Resolver]
    }

    fn files(&self, site: &Site<'_>) -> Result<BTreeMap<String, String>, String> {
        let zones: BTreeSet<&str> = site.served().map(|(_, zone)| zone).collect();
        let config = fill(include_str!("templates/named.conf"), json!({ "node": site.name, "zones": zones }))?;
        let mut files = BTreeMap::from([(CONFIG.to_owned(), config)]);
        for zone in zones {
            let text = fill(include_str!("templates/zone"), json!({ "zone": zone }))?;
            files.insert(format!("/etc/bind/{zone}.zone"), text);
        }
        Ok(files)
    }

    /// In the foreground, logging to stderr (named(8), `-g`).
    fn daemons(&self, site: &Site<'_>) -> Vec<Daemon> {
        vec![site.run(&["/usr/sbin/named", "-g", "-c", CONFIG])]
    }
}
