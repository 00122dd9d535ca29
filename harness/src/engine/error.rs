//! What can go wrong with a container engine: the thing, the step, and the engine's own words.

/// Why an engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No engine answers at the address.
    #[error("no container engine at {at}: {why}")]
    Unreachable {
        /// Where it was expected.
        at: String,
        /// What stood in the way.
        why: Unreachable,
    },
    /// The image is neither here nor to be had.
    #[error("cannot pull {image}: {said}")]
    NoRegistry {
        /// `name:tag`.
        image: String,
        /// The engine's words.
        said: String,
    },
    /// An instruction of a build failed.
    #[error("building {tag} failed at {step}: {said}\n{}", output.join("\n"))]
    Build {
        /// `name:tag` that would have been the result.
        tag: String,
        /// The instruction, such as `Step 3/4 : RUN apt-get update`.
        step: String,
        /// The engine's words.
        said: String,
        /// The last lines of the output.
        output: Vec<String>,
    },
    /// Every subnet that the engine may give to a network is in use.
    #[error("no subnet is left for network {network}: {said}")]
    NoSubnet {
        /// The network's name.
        network: String,
        /// The engine's words.
        said: String,
    },
    /// Another container has the name.
    #[error("cannot create container {name}: the name is taken: {said}")]
    NameTaken {
        /// The container's name.
        name: String,
        /// The engine's words.
        said: String,
    },
    /// The engine did not answer in time.
    #[error("{thing}: the engine did not {step} within {} s", .after.as_secs())]
    Silent {
        /// The container, network or image.
        thing: String,
        /// What was asked of the engine.
        step: &'static str,
        /// How long it was waited for.
        after: std::time::Duration,
    },
    /// The engine refused, or failed.
    #[error("{thing}: cannot {step}: {said}")]
    Refused {
        /// The container, network or image.
        thing: String,
        /// What was asked of the engine.
        step: &'static str,
        /// The engine's words.
        said: String,
    },
}

/// Why an engine cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// Nothing listens there.
    #[error("nothing listens there ({0})")]
    Nobody(String),
    /// This user may not open the socket.
    #[error("permission denied")]
    Denied,
    /// The address is not one that can be spoken to.
    #[error("not an address of the form unix:///PATH or tcp://HOST:PORT")]
    Address,
    /// An engine that lacks what the lab needs.
    #[error("{0} is too old")]
    TooOld(String),
    /// Something answers, but not as Docker does.
    #[error("what answers there does not speak Docker's API: {0}")]
    Stranger(String),
}

impl EngineError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Unreachable { why, .. } => match why {
                Unreachable::Nobody(_) => {
                    "start Docker (systemctl start docker), or name another socket, as Docker Desktop and Podman need: \
                     DOCKER_HOST=unix:///PATH (`systemctl start podman.socket` makes /run/podman/podman.sock)"
                }
                Unreachable::Denied => "join the group docker (sudo usermod -aG docker $USER, then log in again)",
                Unreachable::Address => "set DOCKER_HOST to unix:///var/run/docker.sock, or unset it",
                Unreachable::TooOld(_) => "Docker 20.10 or Podman 4.3, or later, is needed",
                Unreachable::Stranger(_) => "Docker Engine 20.10 (API 1.41) or later is needed; see `docker version`",
            },
            Self::NoSubnet { .. } => {
                "`cargo lab clean` removes the networks of labs that have ended; `docker network ls` shows the others"
            }
            Self::NameTaken { .. } => "`cargo lab clean` removes what labs that have ended left behind",
            Self::Build { .. } => "the last lines above are the build's own; it needs Debian's mirrors and PyPI",
            Self::Silent { .. } => "is the engine overloaded, or does it hang? `docker ps` and its log tell",
            Self::NoRegistry { .. } | Self::Refused { .. } => return None,
        })
    }
}
