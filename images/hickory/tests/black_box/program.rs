//! The program, started on a free port and killed when dropped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_anycast-hickory");

/// Small answers, and one that no datagram without EDNS holds.
const ZONE: &str = "$ORIGIN example.test.\n$TTL 60\n@\tSOA\tns hostmaster 41 3600 900 604800 30\n\tNS\tns\nns\tA\t192.0.2.53\n\
    www\tA\t192.0.2.80\n\tAAAA\t2001:db8::80\nalias\tCNAME\twww\n*.any\tA\t192.0.2.99\n";

pub(crate) struct Program {
    pub(crate) child: Child,
    /// Where it is asked: one a line of `listen`.
    pub(crate) at: Vec<SocketAddr>,
    journal: BufReader<ChildStderr>,
    pub(crate) folder: TempDir,
}

impl Program {
    /// Listens on 127.0.0.1.
    pub(crate) fn start() -> Self {
        Self::with("listen = [\"127.0.0.1:0\"]")
    }

    /// With these lines in its configuration.
    pub(crate) fn with(lines: &str) -> Self {
        Self::in_folder(folder(lines))
    }

    fn in_folder(folder: TempDir) -> Self {
        let mut child = command(&folder).stderr(Stdio::piped()).spawn().unwrap();
        let mut journal = BufReader::new(child.stderr.take().unwrap());
        let mut ready = String::new();
        journal.read_line(&mut ready).unwrap();
        let (_, places) = ready.split_once(" at ").unwrap_or_else(|| panic!("{ready}"));
        let at = places.split_whitespace().map(|place| place.parse().unwrap()).collect();
        Self { child, at, journal, folder }
    }

    /// Of another zone than the others.
    pub(crate) fn serving(lines: &str, zone: &str, text: &str) -> Self {
        let folder = folder("");
        let file = folder.path().join("zone");
        std::fs::write(&file, text).unwrap();
        let config = format!("name = \"front\"\n{lines}\n[zones]\n\"{zone}\" = \"{}\"\n", file.display());
        std::fs::write(folder.path().join("hickory.toml"), config).unwrap();
        Self::in_folder(folder)
    }

    /// The next line that it writes.
    pub(crate) fn entry(&mut self) -> String {
        let mut line = String::new();
        self.journal.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Whatever comes of the command.
    pub(crate) fn try_tell(&self, command: &str) -> Output {
        let mut program = Command::new(PROGRAM);
        program.arg("tell").arg("--socket").arg(self.socket()).arg(command).output().unwrap()
    }

    /// What is in force afterwards.
    pub(crate) fn tell(&self, command: &str) -> String {
        let output = self.try_tell(command);
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A folder with its files.
pub(crate) fn folder(lines: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let zone = folder.path().join("zone");
    let big: String = (0..40).map(|n| format!("big\tTXT\t\"{n} {}\"\n", "x".repeat(60))).collect();
    std::fs::write(&zone, format!("{ZONE}{big}")).unwrap();
    let config = format!("name = \"ns1\"\n{lines}\n[zones]\n\"example.test\" = \"{}\"\n", zone.display());
    std::fs::write(folder.path().join("hickory.toml"), config).unwrap();
    folder
}

/// Serves what is in the folder.
pub(crate) fn command(folder: &TempDir) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("serve").arg("--config").arg(folder.path().join("hickory.toml"));
    command.arg("--socket").arg(folder.path().join("socket"));
    command
}
