//! Why an image cannot be had.

use std::path::PathBuf;

use crate::engine::EngineError;
use crate::image::RecipeError;

/// What can go wrong with images.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The engine failed; a failed build shows its output.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// There is no recipe.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
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
            Self::Recipe(error) => return error.hint(),
            Self::NoBase { .. } => {
                "`docker load` the image from a host that has it, or install mmdebstrap and debian-archive-keyring (on \
                 Debian and Ubuntu: sudo apt-get install mmdebstrap debian-archive-keyring uidmap)"
            }
            Self::NoProgram { .. } => {
                "set ANYCAST_LAB_PROGRAMS to a folder with the static programs, or work from a checkout"
            }
            Self::BadProgram { .. } => {
                "build it static: RUSTFLAGS=-Ctarget-feature=+crt-static cargo build --target ARCH-unknown-linux-gnu"
            }
            Self::Host { .. } | Self::File { .. } => return None,
        })
    }
}
