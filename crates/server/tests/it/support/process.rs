//! Running the binary, gathering what it writes.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a process may take to end.
const END: Duration = Duration::from_secs(30);

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Its exit code; `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    /// Its standard output.
    pub(crate) stdout: String,
    /// Its standard error.
    pub(crate) stderr: String,
}

impl Ended {
    /// Asserts that it was refused with these words, in one plain sentence on the standard error.
    pub(crate) fn assert_refused(&self, words: &str) {
        assert_eq!(self.code, Some(1), "{self:?}");
        let sentence = self.stderr.lines().last().unwrap_or_default();
        assert!(sentence.contains(words), "{self:?}");
        assert!(sentence.ends_with(['.', ')']), "not a sentence: {self:?}");
    }

    /// Asserts that it succeeded.
    pub(crate) fn assert_done(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// The JSON of each line of its standard output.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.lines();
        lines.map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

/// Runs `antaca` to its end.
pub(crate) async fn antaca(arguments: &[&str]) -> Ended {
    antaca_with(arguments, &[]).await
}

/// Runs `antaca` to its end, with variables of the environment.
pub(crate) async fn antaca_with(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables = variables.iter().map(owned).collect::<Vec<_>>();
    Running::spawn(arguments, &variables).ended().await
}

/// What both streams of a process have said so far.
#[derive(Clone, Default)]
struct Streams {
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
}

/// A running process.
pub(crate) struct Running {
    child: Mutex<Child>,
    streams: Streams,
    readers: Vec<JoinHandle<()>>,
    /// What processes that ran in its place before have said.
    earlier: Vec<u8>,
}

impl Running {
    /// Starts `antaca`, with no variables but these of ours.
    pub(crate) fn spawn(
        arguments: &[impl AsRef<std::ffi::OsStr>],
        variables: &[(String, String)],
    ) -> Self {
        // A file that may not grow is then an error, as on a full disk, and not the end.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_antaca")]);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ANTACA_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("antaca starts");
        let streams = Streams::default();
        let readers = vec![
            gather(child.stdout.take().expect("a pipe"), &streams.stdout),
            gather(child.stderr.take().expect("a pipe"), &streams.stderr),
        ];
        Self { child: Mutex::new(child), streams, readers, earlier: Vec::new() }
    }

    /// Takes another process in this one's place, which has ended; what it said is kept.
    pub(crate) fn replace(&mut self, mut next: Self) {
        assert!(self.is_over(), "the process still runs");
        self.join();
        next.earlier = self.output();
        // The text moves on to the next one and is searched at its end.
        self.earlier.clear();
        *self = next;
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.child().try_wait().expect("the process can be looked at").is_some()
    }

    /// Everything that was said.
    pub(crate) fn output(&self) -> Vec<u8> {
        [&self.earlier, &said(&self.streams.stdout), &said(&self.streams.stderr)]
            .map(Vec::as_slice)
            .concat()
    }

    /// Whether this process has said this.
    pub(crate) fn output_contains(&self, words: &str) -> bool {
        [&self.streams.stdout, &self.streams.stderr]
            .iter()
            .any(|stream| String::from_utf8_lossy(&said(stream)).contains(words))
    }

    /// The anonymous memory that it has in use, in bytes: without what is mapped from files.
    pub(crate) fn resident(&self) -> usize {
        let path = format!("/proc/{}/status", self.child().id());
        let status = std::fs::read_to_string(path).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("a line");
        kib.parse::<usize>().expect("a number") * 1024
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child().id();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status();
        assert!(sent.expect("a shell").success(), "the process has ended before");
    }

    /// Lets no file be written beyond so many bytes; `None` lets them again.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let process = format!("--pid={}", self.child().id());
        let limited = Command::new("prlimit").args([process, format!("--fsize={limit}:")]).status();
        assert!(limited.expect("util-linux is there").success());
    }

    /// Sends SIGKILL and waits.
    pub(crate) fn kill(&self) {
        let mut child = self.child();
        // Fails where it has ended by itself, which is as good.
        let _ = child.kill();
        child.wait().expect("it ends");
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> Ended {
        testkit::eventually("the process ends", END, async || self.is_over()).await;
        self.join();
        let code = self.child().wait().expect("it has ended").code();
        let text = |stream| String::from_utf8_lossy(&said(stream)).into_owned();
        Ended { code, stdout: text(&self.streams.stdout), stderr: text(&self.streams.stderr) }
    }

    fn join(&mut self) {
        for reader in self.readers.drain(..) {
            reader.join().expect("reading doesn't panic");
        }
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        self.join();
        let output = self.output();
        let runs = testkit::luhn_runs(&output);
        if std::thread::panicking() {
            let output = String::from_utf8_lossy(&output);
            let errors = output.lines().filter(|line| line.contains("ERROR"));
            errors.for_each(|line| eprintln!("antaca said: {line}"));
        } else {
            assert!(runs.is_empty(), "card numbers were written: {runs:?}");
        }
    }
}

fn said(stream: &Mutex<Vec<u8>>) -> Vec<u8> {
    stream.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn gather(mut from: impl Read + Send + 'static, into: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let into = into.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            into.lock().unwrap_or_else(PoisonError::into_inner).extend(&buffer[..read]);
        }
    })
}
