//! A lab seen from inside: plans of a test's own, and programs that its nodes run.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use harness::check::Facts;
use harness::history::Event;
use harness::lab::{Lab, Watcher};
use harness::outcome::Played;
use harness::outcome::Verdict;
use harness::plan::{Action as Step, Plan, StepPlan, choose};
use harness::spec::Scenario;
use protocol::Action;
use tempfile::TempDir;

/// What a node gets for one attempt to connect, in seconds: an address that nobody has takes all of it.
///
/// The kernel gives up asking for a neighbour after three seconds: "No route to host".
const PATIENCE: u32 = 5;

/// The plan of the first cell.
pub(crate) fn plan(file: &Path) -> Plan {
    let scenario = Scenario::load(file, None).unwrap_or_else(|error| panic!("{error}"));
    let cell = choose(&scenario, None).unwrap_or_else(|error| panic!("{error}"));
    Plan::new(&scenario, cell).unwrap_or_else(|error| panic!("{error}"))
}

/// Waits until the lab serves, as its first step expects.
pub(crate) async fn serve(lab: &Lab<'_>) {
    let Some(Step::Expect(expectation)) = lab.plan().steps.first().map(|step| &step.action) else {
        panic!("the first step expects nothing");
    };
    let finding = lab.expect(expectation, &mut Nobody).await;
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
}

/// Sees nothing.
struct Nobody;

impl Watcher for Nobody {
    fn tick(&mut self, _: &[Event], _: u64) {}
    fn played(&mut self, _: &StepPlan, _: &Played, _: &[Event], _: &Facts<'_>) {}
}

/// Whether a TCP connection from the node comes about; what the node said otherwise.
pub(crate) async fn connect(lab: &Lab<'_>, node: &str, to: SocketAddr, zone: &str) -> Result<(), String> {
    let (address, port) = (to.ip(), to.port());
    bash(lab, node, &format!("exec 3<>/dev/tcp/{address}{zone}/{port}")).await.map(drop)
}

/// What bash in the node wrote.
pub(crate) async fn bash(lab: &Lab<'_>, node: &str, script: &str) -> Result<String, String> {
    let patience = PATIENCE.to_string();
    let argv = ["timeout", &patience, "bash", "-c", script].map(str::to_owned).to_vec();
    let done = lab.tell(node, Action::Exec { argv, timeout_ms: 60_000 }).await;
    done.map(|(_, said)| said).map_err(|error| error.to_string())
}

/// A folder with scenarios of a test's own; the workspace's topologies are in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(TempDir::new().expect("a temporary folder"));
        std::fs::create_dir(folder.0.path().join("topologies")).expect("an empty folder");
        folder.write("topologies/two-servers.toml", &two_servers());
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("there is room");
        path
    }
}

/// The topology's text.
pub(crate) fn two_servers() -> String {
    let file = scenarios::file("topologies/two-servers");
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
