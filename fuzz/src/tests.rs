//! The inputs of `corpus/`, read without a fuzzer.

use super::TARGETS;
use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What a folder holds.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("there is such a folder");
    let name = |entry: DirEntry| entry.file_name().into_string().expect("a name in UTF-8");
    entries.map(|entry| name(entry.expect("can be read"))).collect()
}

#[test]
fn every_target_has_a_file_and_inputs() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder("corpus")), targets);
    let files = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&folder("fuzz_targets")), files);
}

/// A panic is also seen where it is caught: an endpoint runs as a task, the engine on its thread.
#[test]
fn every_input_is_read_or_refused() {
    static PANICKED: AtomicBool = AtomicBool::new(false);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        PANICKED.store(true, Ordering::SeqCst);
        before(panicked);
    }));
    for (name, target) in TARGETS {
        let folder = folder("corpus").join(name);
        for input in names(&folder) {
            eprintln!("{name} {input}");
            target(&fs::read(folder.join(input)).expect("can be read"));
            assert!(!PANICKED.load(Ordering::SeqCst), "something panicked");
        }
    }
}
