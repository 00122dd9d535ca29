//! Scenarios of strangers: each is refused with its place, at once, and writes nothing.
//!
//! A file's first line says what the error must say. `@LONG@` stands for 70,000 characters.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use harness::plan::Plan;
use harness::report::RunFolder;
use harness::run::Request;
use harness::spec::SpecError;

/// What a stranger's repository may hold beside its scenario, and a file of the user's above it.
fn surroundings() -> tempfile::TempDir {
    let outer = tempfile::tempdir().expect("a folder");
    let folder = outer.path().join("repository");
    fs::create_dir_all(folder.join("sub")).expect("a folder");
    fs::create_dir_all(folder.join("topologies")).expect("a folder");
    let write = |path: PathBuf, text: &str| fs::write(path, text).expect("a file");
    write(outer.path().join("victim.txt"), "the user's");
    write(outer.path().join("victim.toml"), "[networks]\n[nodes]\n");
    write(folder.join("own.txt"), "the scenario's");
    write(
        folder.join("endless.j2"),
        "{% for a in many %}{% for b in many %}{% for c in many %}{% endfor %}{% endfor %}{% endfor %}",
    );
    write(folder.join("large-text.j2"), &format!("{{% for a in many %}}{}{{% endfor %}}", "x".repeat(10_000)));
    write(
        folder.join("doubles.j2"),
        &format!("{{% set a = 'xxxxxxxx' %}}{}{{{{ a }}}}", "{% set a = a ~ a %}".repeat(60)),
    );
    write(folder.join("includes.j2"), "{% include '/etc/passwd' %}");
    write(folder.join("recurses.j2"), "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}");
    let link = |to: &Path, name: &str| symlink(to, folder.join(name)).expect("a link");
    link(&outer.path().join("victim.txt"), "link-outside");
    link(outer.path(), "folder-outside");
    link(Path::new("/proc/kmsg"), "link-kmsg");
    link(Path::new("/dev/zero"), "link-zero");
    link(Path::new("loop"), "loop");
    link(&outer.path().join("victim.toml"), "topologies/outside.toml");
    nix::unistd::mkfifo(&folder.join("fifo"), nix::sys::stat::Mode::S_IRUSR).expect("a FIFO");
    fs::File::create(folder.join("large")).and_then(|file| file.set_len(1 << 30)).expect("a file");
    outer
}

/// Every path below a folder; of a small regular file, its contents.
fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let (path, what) = (entry.path(), entry.metadata().expect("a file"));
        let small = what.is_file() && what.len() < 1 << 20;
        let content = if small { fs::read(&path).expect("a file") } else { Vec::new() };
        all.insert(path.clone(), String::from_utf8_lossy(&content).into_owned());
        if what.is_dir() {
            all.extend(tree(&path));
        }
    }
    all
}

/// As `cargo lab run` begins: the plan, and its record.
fn plan(file: &Path, records: &Path) -> Result<Plan, SpecError> {
    let request = Request {
        file: file.to_owned(),
        mutant: None,
        cell: None,
        records: records.to_owned(),
        files: BTreeMap::new(),
        record_files: false,
    };
    let plan = request.plan()?;
    RunFolder::create(records, "run", &plan).expect("a record");
    Ok(plan)
}

fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let files = fs::read_dir(folder).expect("the corpus").flatten().map(|entry| entry.path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

#[test]
fn each_is_refused_with_its_place_at_once_and_writes_nothing() {
    let mut wrong = Vec::new();
    let corpus = corpus();
    assert!(corpus.len() >= 50, "{}", corpus.len());
    for hostile in &corpus {
        let outer = surroundings();
        let file = outer.path().join("repository/hostile.toml");
        let content = fs::read(hostile).expect("a scenario");
        let written = match String::from_utf8(content.clone()) {
            Ok(text) => text.replace("@LONG@", &"x".repeat(70_000)).into_bytes(),
            Err(_) => content.clone(),
        };
        fs::write(&file, written).expect("a file");
        let records = tempfile::tempdir().expect("a folder");
        let before = tree(outer.path());
        let began = Instant::now();
        let planned = plan(&file, records.path());
        let took = began.elapsed();
        let name = hostile.file_stem().expect("a name").to_string_lossy();
        let first = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let expected = String::from_utf8_lossy(first).trim_start_matches("# refused: ").to_owned();
        match planned {
            Ok(_) => wrong.push(format!("{name}: accepted")),
            Err(SpecError { message, place: None, .. }) => wrong.push(format!("{name}: no place: {message}")),
            Err(error) if !error.message.contains(&expected) => {
                wrong.push(format!("{name}: expected {expected:?}, found {:?}", error.message));
            }
            Err(error) if error.to_string().len() > 3000 => {
                wrong.push(format!("{name}: {} bytes", error.to_string().len()));
            }
            Err(error) if error.to_string().contains(|c: char| c.is_control() && c != '\n' && c != '\t') => {
                wrong.push(format!("{name}: control characters: {error:?}"));
            }
            Err(_) => {}
        }
        if tree(outer.path()) != before || fs::read_dir(records.path()).expect("a folder").next().is_some() {
            wrong.push(format!("{name}: something was written"));
        }
        // Far more than any of them needs, also on a machine that does other things.
        if took > Duration::from_secs(5) {
            wrong.push(format!("{name}: took {took:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What makes the corpus a proof: the same scenario without its trick is planned, and recorded in its folder only.
#[test]
fn the_same_without_a_trick_is_planned_and_recorded_in_its_folder() {
    let outer = surroundings();
    let file = outer.path().join("repository/good.toml");
    let hostile = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/file-climbs-to-the-victim.toml");
    let text = fs::read_to_string(hostile).expect("a scenario");
    assert!(text.contains("/../../../../victim.txt"));
    fs::write(&file, text.replace("/../../../../victim.txt", "/etc/own.txt")).expect("a file");
    let records = tempfile::tempdir().expect("a folder");
    let before = tree(outer.path());
    plan(&file, records.path()).expect("a good scenario");
    assert!(tree(outer.path()) == before);
    let runs: Vec<_> = fs::read_dir(records.path()).expect("a folder").map(|run| run.expect("a run").path()).collect();
    assert!(matches!(runs.as_slice(), [run] if run.join("plan.json").is_file()), "{runs:?}");
}

#[test]
fn what_is_no_scenario_file_is_refused_with_its_name() {
    let outer = surroundings();
    let empty = outer.path().join("repository/empty.toml");
    fs::write(&empty, "").expect("a file");
    let error = plan(&empty, outer.path()).expect_err("no title");
    assert!(error.message.starts_with("missing field `title`") && error.place.is_some(), "{error}");
    for (path, expected) in [
        (PathBuf::from("/dev/null"), "is a device"),
        (PathBuf::from("/dev/zero"), "is a device"),
        (outer.path().join("repository/fifo"), "is a FIFO"),
        (outer.path().join("repository"), "is a folder"),
        (outer.path().join("repository/large"), "is too large"),
        (outer.path().join("nothing.toml"), "there is no file"),
    ] {
        let error = plan(&path, outer.path()).expect_err("no scenario");
        assert!(error.message.contains(expected) && error.message.contains(&path.display().to_string()), "{error}");
    }
}
