//! A health checker that the scenario brings: ExaBGP's helper process, or a daemon beside BIRD and FRR.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use protocol::Daemon;

use super::{Kind, Role, Site};

pub(super) struct Script;

/// Which addresses to ask for which names: a line each, as such scripts have it.
const CONFIG: &str = "/etc/nameserver_watchdog.conf";

/// Runs the script again and again, and says each time how it ended. A program that cannot be executed at all (POSIX: status 126,
/// or 127 when it or its interpreter is not there) ends it at the first attempt.
const AGAIN: &str = r#"n=0
while :; do
  "$@"; s=$?; n=$((n + 1))
  if [ $n = 1 ] && { [ $s = 126 ] || { [ $s = 127 ] && ! command -v "$1" >/dev/null; }; }; then exit $s; fi
  echo "lab: $1 ended with status $s, run $n; it is started again" >&2
  sleep 1
done"#;

impl Kind for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    fn plays(&self) -> &'static [Role] {
        &[Role::Watchdog]
    }

    fn files(&self, site: &Site<'_>) -> Result<BTreeMap<String, String>, String> {
        command(site)?;
        let mut config = String::new();
        for (address, zone) in site.served() {
            writeln!(config, "{address}:{zone}").map_err(|error| error.to_string())?;
        }
        Ok(BTreeMap::from([(CONFIG.to_owned(), config)]))
    }

    fn helpers(&self, site: &Site<'_>) -> Result<Option<Vec<(String, String)>>, String> {
        Ok(Some(vec![("script".to_owned(), command(site)?.to_owned())]))
    }

    fn restarts_speaker(&self) -> bool {
        true
    }

    /// Started again when it ends, as ExaBGP and cron do.
    fn daemons(&self, site: &Site<'_>) -> Vec<Daemon> {
        let helper = site.runs.get(&Role::Speaker).is_some_and(|product| product.kind == "exabgp");
        let Some(command) = command(site).ok().filter(|_| !helper) else { return Vec::new() };
        let mut argv = vec!["sh", "-c", AGAIN, "again"];
        argv.extend(command.split_whitespace());
        vec![site.run(&argv)]
    }
}

fn command<'s>(site: &'s Site<'_>) -> Result<&'s str, String> {
    let command = site.node.script.as_deref();
    command.ok_or_else(|| {
        "no `script` says how the script is started: expected \"/usr/local/bin/checker\", say".to_owned()
    })
}
