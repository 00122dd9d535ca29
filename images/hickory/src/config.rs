//! The configuration file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::place::Place;
use crate::span::Span;

/// What is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read the configuration {path}: {error}\nhint: `--config PATH` names another file", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// It says something else than expected.
    #[error("{path}: {error}hint: expected `name`, `listen`, and under `[zones]` lines such as \"example.test\" = \"FILE\"", path = .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What and where.
        error: Box<toml::de::Error>,
    },
}

/// The configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Who it is, in NSID and id.server.
    pub name: String,
    /// The addresses at which it is asked, UDP and TCP, and from which it answers.
    pub listen: Vec<Place>,
    /// The server that is asked about all other names; without one they are REFUSED.
    pub forward: Option<Place>,
    /// A TCP connection on which nothing is asked for so long is closed; 0s is never.
    #[serde(default = "tcp_idle")]
    pub tcp_idle: Span,
    /// Its zones, with their files (RFC 1035, section 5).
    #[serde(default)]
    pub zones: BTreeMap<String, PathBuf>,
}

/// As in BIND (tcp-idle-timeout).
fn tcp_idle() -> Span {
    Span(std::time::Duration::from_secs(30))
}

/// Reads the file.
///
/// # Errors
/// [`ConfigError`].
pub fn read(path: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::File { path: path.to_owned(), error })?;
    toml::from_str(&text).map_err(|error| ConfigError::Content { path: path.to_owned(), error: Box::new(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path()).unwrap_err().to_string()
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        let unknown = error("name = \"ns1\"\nlisten = []\nlisen = 1\n");
        assert!(unknown.contains("line 3") && unknown.contains("lisen") && unknown.contains("hint: "), "{unknown}");
        let wildcard = error("name = \"ns1\"\nlisten = [\"0.0.0.0\"]\n");
        assert!(wildcard.contains("line 2") && wildcard.contains("name each address"), "{wildcard}");
        assert!(error("listen = []\n").contains("missing field `name`"));
        assert!(read(Path::new("/nowhere")).unwrap_err().to_string().contains("/nowhere"));
    }
}
