//! The zones: read from their files into hickory's catalog.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hickory_proto::rr::rdata::opt::NSIDPayload;
use hickory_proto::rr::{LowerName, Name, Record, RecordType, RrKey};
use hickory_proto::serialize::txt::Parser;
use hickory_server::net::runtime::TokioRuntimeProvider;
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};

/// What is wrong with a zone.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve the zone {zone} from {path}: {problem}", path = .path.display())]
pub(crate) struct ZoneError {
    zone: String,
    path: PathBuf,
    problem: String,
}

/// What the server is authoritative for.
pub(crate) struct Zones {
    /// Answers from the zones.
    pub(crate) catalog: Catalog,
    /// Each zone's SOA record.
    soas: HashMap<LowerName, Record>,
}

impl Zones {
    /// Reads the files; answers say by NSID that they are `who`'s.
    pub(crate) fn read(files: &BTreeMap<String, PathBuf>, who: NSIDPayload) -> Result<Self, ZoneError> {
        let mut zones = Self { catalog: Catalog::new(), soas: HashMap::new() };
        zones.catalog.set_nsid(Some(who));
        for (zone, path) in files {
            let add = zones.add(zone, path);
            add.map_err(|problem| ZoneError { zone: zone.clone(), path: path.clone(), problem })?;
        }
        Ok(zones)
    }

    fn add(&mut self, zone: &str, path: &Path) -> Result<(), String> {
        let mut origin = Name::from_ascii(zone).map_err(|error| format!("`{zone}` is not a name: {error}"))?;
        origin.set_fqdn(true);
        let name = LowerName::new(&origin);
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let parser = Parser::new(text, Some(path.to_owned()), Some(origin.clone()));
        let (_, records) = parser.parse().map_err(|error| error.to_string())?;
        if let Some(stray) = records.keys().find(|key| !name.zone_of(key.name())) {
            return Err(format!("it has a record of {}, which is not in the zone", stray.name()));
        }
        let soa =
            records.get(&RrKey::new(name.clone(), RecordType::SOA)).and_then(|set| set.records_without_rrsigs().next());
        let soa = soa.ok_or_else(|| format!("it has no SOA record at {origin}"))?.clone();
        let handler =
            InMemoryZoneHandler::<TokioRuntimeProvider>::new(origin, records, ZoneType::Primary, AxfrPolicy::Deny)?;
        self.soas.insert(name.clone(), soa);
        self.catalog.upsert(name, vec![Arc::new(handler)]);
        Ok(())
    }

    /// The SOA record of the zone that the name is in; none when it is in none of ours.
    pub(crate) fn soa(&self, name: &LowerName) -> Option<&Record> {
        let mut name = name.clone();
        loop {
            if let Some(soa) = self.soas.get(&name) {
                return Some(soa);
            }
            if name.is_root() {
                return None;
            }
            name = name.base_name();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "$ORIGIN example.test.\n$TTL 60\n@\tSOA\tns hostmaster 1 3600 900 604800 60\n\tNS\tns\nns\tA\t192.0.2.53\n";

    fn read(text: &str) -> Result<Zones, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let files = BTreeMap::from([("example.test".to_owned(), file.path().to_owned())]);
        Zones::read(&files, NSIDPayload::new("ns1").unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_belongs_to_the_zone_above_it() {
        let zones = read(GOOD).unwrap();
        let soa = |name: &str| zones.soa(&Name::from_ascii(name).unwrap().into()).map(|soa| soa.name.to_string());
        assert_eq!(soa("a.b.Example.test.").as_deref(), Some("example.test."));
        assert_eq!(soa("example.test.").as_deref(), Some("example.test."));
        assert_eq!(soa("test."), None);
    }

    #[test]
    fn a_bad_file_is_named_with_its_zone() {
        for (text, problem) in [
            (GOOD.replace("SOA\tns hostmaster 1 3600 900 604800 60", "A\t192.0.2.1"), "no SOA record at example.test."),
            (format!("{GOOD}www.other.test. A 192.0.2.1\n"), "www.other.test., which is not in the zone"),
            (format!("{GOOD}www A 192.0.2\n"), "address"),
        ] {
            let error = read(&text).err().unwrap();
            assert!(
                error.starts_with("cannot serve the zone example.test from /") && error.contains(problem),
                "{error}"
            );
        }
    }
}
