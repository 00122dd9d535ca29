//! All parts with their versions, in the order in which they are folded: what changes most often comes last.

use super::Release::{self, Bookworm, Bullseye, Trixie};
use super::{Part, PartVersion, RecipeError, Result};

/// The version of what has one only: this checkout's, or that of what it comes with.
pub const OURS: &str = "ours";

/// The part that is beneath all others.
pub(super) const BASE: &str = "base";

/// The part that is on top of all others.
pub(super) const PROBE: &str = "probe";

const APT: &str = include_str!("../../../images/apt.Dockerfile");
const EXABGP_PYTHON2: &str = include_str!("../../../images/exabgp/python2.Dockerfile");
const EXABGP_PYPI: &str = include_str!("../../../images/exabgp/pypi.Dockerfile");
const FRR: &str = include_str!("../../../images/frr/Dockerfile");
const PYPI: &str = include_str!("../../../images/pypi/Dockerfile");

static PARTS: [Part; 12] = [
    Part { name: BASE, program: None, versions: &[ours(include_str!("../../../images/base/Dockerfile"))] },
    Part {
        name: "bind",
        program: None,
        versions: &[
            apt("9.16", &[Bullseye], &[("PACKAGE", "bind9=1:9.16.*"), ("CHECK", "named -V")]),
            apt("9.18", &[Bookworm], &[("PACKAGE", "bind9=1:9.18.*"), ("CHECK", "named -V")]),
            apt("9.20", &[Trixie], &[("PACKAGE", "bind9=1:9.20.*"), ("CHECK", "named -V")]),
        ],
    },
    Part {
        name: "exabgp",
        program: None,
        versions: &[
            PartVersion {
                version: "3.4.28",
                on: &[Bullseye],
                dockerfile: EXABGP_PYTHON2,
                files: &[("exabgp3", include_str!("../../../images/exabgp/exabgp3"))],
                args: &[
                    ("VERSION", "3.4.28"),
                    ("SHA256", "861c92557a2d7790d91b8ee435363b393d07851a1b1a377e4ffcb56bec616449"),
                    ("PIP_VERSION", "20.3.4"),
                    ("PIP_SHA256", "217ae5161a0e08c0fb873858806e3478c9775caffce5168b50ec885e358c199d"),
                ],
            },
            apt("4.2.21", &[Bookworm], &[("PACKAGE", "exabgp=4.2.21-*"), ("CHECK", "exabgp --version")]),
            apt("4.2.25", &[Trixie], &[("PACKAGE", "exabgp=4.2.25-*"), ("CHECK", "exabgp --version")]),
            PartVersion {
                version: "5.0.15",
                on: &[Bookworm, Trixie],
                dockerfile: EXABGP_PYPI,
                files: &[],
                args: &[
                    ("VERSION", "5.0.15"),
                    ("SHA256", "94485beea9aa93702ac095ff1bd5a2ea1feb242f4aa4090f25d01f3ffacd1dd8"),
                ],
            },
        ],
    },
    Part {
        name: "bird",
        program: None,
        versions: &[
            apt("2.0.12", &[Bookworm], &[("PACKAGE", "bird2=2.0.12-*"), ("CHECK", "bird --version")]),
            apt("2.17", &[Trixie], &[("PACKAGE", "bird2=2.17*"), ("CHECK", "bird --version")]),
            apt("3.1", &[Trixie], &[("PACKAGE", "bird3=3.1*"), ("CHECK", "bird --version")]),
        ],
    },
    Part {
        name: "frr",
        program: None,
        versions: &[
            PartVersion {
                version: "8.4",
                on: &[Bookworm],
                dockerfile: FRR,
                files: FRR_FILES,
                args: &[("PACKAGE", "frr=8.4*")],
            },
            PartVersion {
                version: "10.3",
                on: &[Trixie],
                dockerfile: FRR,
                files: FRR_FILES,
                args: &[("PACKAGE", "frr=10.3*")],
            },
        ],
    },
    // ExaBGP's own checker comes with ExaBGP, and has no DNS check: dig is what it checks with.
    Part {
        name: "exabgp-healthcheck",
        program: None,
        versions: &[apt(OURS, &[Bookworm, Trixie], &[("PACKAGE", "bind9-dnsutils"), ("CHECK", "dig -v")])],
    },
    Part {
        name: "anycast-healthchecker",
        program: None,
        versions: &[PartVersion {
            version: "0.9.10",
            on: &[Bookworm, Trixie],
            dockerfile: PYPI,
            files: &[],
            args: &[
                ("NAME", "anycast-healthchecker"),
                ("MODULES", "python3-docopt python3-prometheus-client python3-pythonjsonlogger iproute2"),
                ("VERSION", "0.9.10"),
                ("SHA256", "22d4b100ecf1b25a5548c6a21defd3f011221ad550f60dc1574f9f2ea3eb5077"),
            ],
        }],
    },
    Part {
        name: "anycastd",
        program: None,
        versions: &[PartVersion {
            version: "0.1.12",
            on: &[Trixie],
            dockerfile: PYPI,
            files: &[],
            args: &[
                ("NAME", "anycastd"),
                (
                    "MODULES",
                    "python3-httpx python3-orjson python3-pydantic python3-rich python3-structlog python3-typer",
                ),
                ("VERSION", "0.1.12"),
                ("SHA256", "9b8b0e2eafe5bb251434143a8c2e3994aa185261a88fe911395736eea4d36de9"),
            ],
        }],
    },
    Part {
        name: "script",
        program: None,
        versions: &[PartVersion {
            files: &[
                ("commands.py", include_str!("../../../images/script/commands.py")),
                ("init.d-bgpd", include_str!("../../../images/script/init.d-bgpd")),
            ],
            ..ours(include_str!("../../../images/script/Dockerfile"))
        }],
    },
    Part {
        name: "hickory",
        program: Some("anycast-hickory"),
        versions: &[ours(include_str!("../../../images/hickory/Dockerfile"))],
    },
    Part {
        name: "watchdog",
        program: Some("anycast-watchdog"),
        versions: &[ours(include_str!("../../../images/watchdog/Dockerfile"))],
    },
    Part {
        name: PROBE,
        program: Some("anycast-lab-probe"),
        versions: &[ours(include_str!("../../../images/probe/Dockerfile"))],
    },
];

/// What FRR's Dockerfile copies.
const FRR_FILES: &[(&str, &str)] = &[
    ("frr-daemon", include_str!("../../../images/frr/frr-daemon")),
    ("possible-capabilities.c", include_str!("../../../images/frr/possible-capabilities.c")),
];

/// A version that is one package of Debian's, `PACKAGE`; `CHECK` is a command that shows that it starts.
const fn apt(
    version: &'static str,
    on: &'static [Release],
    args: &'static [(&'static str, &'static str)],
) -> PartVersion {
    PartVersion { version, on, dockerfile: APT, files: &[], args }
}

const fn ours(dockerfile: &'static str) -> PartVersion {
    PartVersion { version: OURS, on: &Release::ALL, dockerfile, files: &[], args: &[] }
}

/// All parts, in the order in which they are folded.
#[must_use]
pub fn parts() -> &'static [Part] {
    &PARTS
}

/// The versions of the part, oldest first; none of a part that there is not.
#[must_use]
pub fn versions(name: &str) -> Vec<&'static str> {
    let part = PARTS.iter().find(|part| part.name == name);
    part.map(|part| part.versions.iter().map(|version| version.version).collect()).unwrap_or_default()
}

/// The part in that version.
///
/// # Errors
/// [`RecipeError::NoPart`], with those that there are.
pub fn find(name: &str, version: &str) -> Result<(&'static Part, &'static PartVersion)> {
    let known = |known: Vec<&str>| RecipeError::NoPart {
        name: name.to_owned(),
        version: version.to_owned(),
        known: known.join(", "),
    };
    let Some(part) = PARTS.iter().find(|part| part.name == name) else {
        return Err(known(PARTS.iter().map(|part| part.name).collect()));
    };
    let found = part.versions.iter().find(|candidate| candidate.version == version);
    found.map(|version| (part, version)).ok_or_else(|| known(versions(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_told_what_is_known() {
        let known = |name, version| find(name, version).unwrap_err().to_string();
        assert_eq!(known("bind", "9.11"), "there is no image part bind 9.11: known are 9.16, 9.18, 9.20");
        assert!(known("unbound", "1").ends_with("known are base, bind, exabgp, bird, frr, exabgp-healthcheck, anycast-healthchecker, anycastd, script, hickory, watchdog, probe"));
    }

    #[test]
    fn no_part_names_the_host_of_a_registry() {
        for version in parts().iter().flat_map(|part| part.versions) {
            let files = version.files.iter().map(|(_, contents)| *contents);
            let args = version.args.iter().map(|(_, value)| *value);
            for text in files.chain(args).chain([version.dockerfile]) {
                assert!(!text.contains("://"), "{text}");
            }
        }
    }

    #[test]
    fn every_dockerfile_stands_on_its_base() {
        for version in parts().iter().flat_map(|part| part.versions) {
            assert!(version.dockerfile.contains("ARG BASE\n") && version.dockerfile.contains("FROM ${BASE}\n"));
            for (arg, _) in version.args {
                assert!(version.dockerfile.contains(&format!("ARG {arg}\n")), "{arg}");
            }
            for (file, _) in version.files {
                assert!(version.dockerfile.contains(&format!("COPY {file} ")), "{file}");
            }
        }
    }
}
