//! The other processes of a measurement. Each ends when its standard input does, or when nobody
//! hears it, so none is left behind, however this one ends.

use crate::failure::Failure;
use serde::de::DeserializeOwned;
use std::ffi::OsStr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long a process may take to end in order.
const END: Duration = Duration::from_secs(30);

/// Another process of this program.
pub(super) struct Process {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts it. What it says of its own is told here too, from warnings on.
    pub(super) fn start<S: AsRef<OsStr>>(
        name: &'static str,
        arguments: impl IntoIterator<Item = S>,
        variables: &[(&str, String)],
    ) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(format!("The {name} of the measurement can't be started ({error})."))
        };
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(arguments).env("ANTACA_LOG", "warn");
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.kill_on_drop(true).spawn().map_err(failed)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = output.ok_or_else(|| Failure::new(format!("The {name} has no output.")))?;
        Ok(Self { name, child, input, output: BufReader::new(output).lines() })
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Writes to its standard input.
    pub(super) async fn say(&mut self, text: &[u8]) -> Result<(), Failure> {
        let Some(input) = &mut self.input else { return Ok(()) };
        let said = async {
            input.write_all(text).await?;
            input.flush().await
        };
        said.await.map_err(|_| self.gone())
    }

    /// The next line that it says, as JSON; none when it has said all.
    pub(super) async fn heard<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        let line = self.output.next_line().await.map_err(|_| self.gone())?;
        let parsed = line.map(|line| serde_json::from_str(&line)).transpose();
        parsed.map_err(|_| Failure::new(format!("The {} says what isn't understood.", self.name)))
    }

    /// Tells it that nothing more will be said.
    pub(super) fn close_input(&mut self) {
        drop(self.input.take());
    }

    /// Whether it has ended by itself.
    pub(super) fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it ends by itself, which it does while its input is open.
    pub(super) async fn wait(&mut self) -> Result<ExitStatus, Failure> {
        self.child.wait().await.map_err(|_| self.gone())
    }

    /// Lets it end, and waits for that.
    pub(super) async fn end(&mut self) -> Result<ExitStatus, Failure> {
        drop(self.input.take());
        match timeout(END, self.child.wait()).await {
            Ok(Ok(status)) => Ok(status),
            Ok(Err(_)) | Err(_) => Err(Failure::new(format!(
                "The {} of the measurement doesn't end, and is killed.",
                self.name
            ))),
        }
    }

    /// That it isn't there any more.
    pub(super) fn gone(&self) -> Failure {
        Failure::new(format!("The {} of the measurement has ended before its time.", self.name))
    }
}
