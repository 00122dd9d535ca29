//! Why an image cannot be had.

use std::path::PathBuf;

use crate::engine::EngineError;

/// What can go wrong with images.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The engine failed; a failed build shows its output.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The catalog does not have it.
    #[error("there is no image part {name} {version}: known are {known}")]
    NoPart {
        /// The part.
        name: String,
        /// The version.
        version: String,
        /// The versions, or parts, that there are.
        known: String,
    },
    /// The parts of a node are on different releases.
    #[error("no Debian release has all parts of the node: {conflict}")]
    NoRelease {
        /// Which part is on which.
        conflict: String,
    },
    /// The base image can neither be pulled nor made.
    #[error("cannot get the base image {image}: {pulled}; and it cannot be made here: {missing}")]
    NoBase {
        /// The image.
        image: &'static str,
        /// Why it was not pulled.
        pulled: String,
        /// What this host lacks.
        missing: String,
    },
    /// The address of a mirror cannot be used.
    #[error("ANYCAST_LAB_DEBIAN_MIRROR is `{found}`: {problem}")]
    Mirror {
        /// What it is set to.
        found: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A program of the host's failed.
    #[error("{what}: `{command}` failed ({how})\n{}", output.join("\n"))]
    Host {
        /// What it was for.
        what: String,
        /// The command line.
        command: String,
        /// Its exit status, or why it could not be run.
        how: String,
        /// The last lines that it wrote.
        output: Vec<String>,
    },
    /// One of our programs is nowhere to be found.
    #[error("cannot find the program {name}: looked for {}", looked.join(", "))]
    NoProgram {
        /// Its name.
        name: &'static str,
        /// Where.
        looked: Vec<String>,
    },
    /// One of our programs cannot run inside a node.
    #[error("{} cannot run inside a node: {problem}", path.display())]
    BadProgram {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of the host's cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
}

impl ImageError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Engine(error) => return error.hint(),
            Self::NoRelease { .. } => "choose versions from one release, or put the daemons on different nodes",
            Self::NoBase { .. } => {
                "`docker load` the image from a host that has it, or install mmdebstrap and debian-archive-keyring (on \
                 Debian and Ubuntu: sudo apt-get install mmdebstrap debian-archive-keyring uidmap)"
            }
            Self::Mirror { .. } => {
                "expected http://HOST/debian, or a snapshot such as http://HOST/archive/debian/20260101T000000Z; unset it to \
                 use the default"
            }
            Self::NoProgram { .. } => {
                "set ANYCAST_LAB_PROGRAMS to a folder with the static programs, or work from a checkout"
            }
            Self::BadProgram { .. } => {
                "build it static: RUSTFLAGS=-Ctarget-feature=+crt-static cargo build --target ARCH-unknown-linux-gnu"
            }
            Self::Host { .. } | Self::NoPart { .. } | Self::File { .. } => return None,
        })
    }
}
