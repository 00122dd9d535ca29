//! A mirror of Debian's archive, for those who do not use the default.

use super::{RecipeError, Release, Result};

/// The addresses of Debian's two archives, without a final slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    archive: String,
    security: String,
}

impl Mirror {
    /// Reads `http://HOST/debian`, or a snapshot of a day such as `http://HOST/archive/debian/20261128T000000Z`.
    ///
    /// The security archive is at the same address with `debian-security` in place of `debian`, as on Debian's own mirrors.
    ///
    /// # Errors
    /// [`RecipeError::Mirror`] when it is something else.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |problem| RecipeError::Mirror { found: text.to_owned(), problem };
        let archive = text.trim_end_matches('/');
        let Some(rest) = archive.strip_prefix("http://") else {
            // The images have no certificate authorities; apt checks signatures, whatever the transport.
            return Err(bad("it does not begin with http://"));
        };
        if !rest.chars().all(|c| c.is_ascii_graphic() && !"'\"\\$`[]".contains(c)) {
            return Err(bad("it has characters that no address of a mirror has"));
        }
        let mut parts: Vec<&str> = archive.split('/').collect();
        let Some(debian) = parts.iter().skip(3).rposition(|part| *part == "debian") else {
            return Err(bad("its path has no folder `debian`"));
        };
        parts[debian + 3] = "debian-security";
        Ok(Self { archive: archive.to_owned(), security: parts.join("/") })
    }

    /// A mirror whose two archives the host's apt names.
    pub(crate) fn of_host(archive: &str, security: &str) -> Self {
        let plain = |address: &str| address.trim_end_matches('/').to_owned();
        Self { archive: plain(archive), security: plain(security) }
    }

    /// Returns the lines of sources.list(5) for the release.
    #[must_use]
    pub fn sources(&self, release: Release) -> [String; 3] {
        let (Self { archive, security }, name) = (self, release.name());
        let options = if is_snapshot(archive) { "[check-valid-until=no] " } else { "" };
        [
            format!("deb {options}{archive} {name} main"),
            format!("deb {options}{archive} {name}-updates main"),
            format!("deb {options}{security} {name}-security main"),
        ]
    }
}

/// Whether the address has a time such as `20261128T000000Z`: what was signed then is out of date now.
fn is_snapshot(address: &str) -> bool {
    let is_time = |part: &str| {
        part.len() == 16
            && part.chars().enumerate().all(|(place, c)| match place {
                8 => c == 'T',
                15 => c == 'Z',
                _ => c.is_ascii_digit(),
            })
    };
    address.split('/').any(is_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_security_archive_is_beside_the_other() {
        let mirror = Mirror::parse("http://mirror.test/debian/").unwrap();
        let expected = [
            "deb http://mirror.test/debian trixie main",
            "deb http://mirror.test/debian trixie-updates main",
            "deb http://mirror.test/debian-security trixie-security main",
        ];
        assert_eq!(mirror.sources(Release::Trixie), expected);
    }

    #[test]
    fn a_snapshot_may_be_out_of_date() {
        let mirror = Mirror::parse("http://snapshot.test/archive/debian/20260101T000000Z").unwrap();
        let security = "deb [check-valid-until=no] http://snapshot.test/archive/debian-security/20260101T000000Z bookworm-security main";
        assert_eq!(mirror.sources(Release::Bookworm)[2], security);
    }

    #[test]
    fn what_is_no_mirror_is_refused() {
        for (text, problem) in [
            ("https://mirror.test/debian", "does not begin with http://"),
            ("mirror.test/debian", "does not begin with http://"),
            ("http://debian/ubuntu", "no folder `debian`"),
            ("http://mirror.test/debian main\ndeb http://other.test/debian", "characters"),
            ("http://mirror.test/$(id)/debian", "characters"),
        ] {
            let error = Mirror::parse(text).unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
            assert!(error.hint().unwrap().contains("http://HOST/debian"));
        }
    }
}
