//! Other people's work: the Python packages jwcrypto, psec and pypdf, npm's jose.

use base64::Engine as _;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A foreign implementation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Foreign {
    /// jwcrypto.
    Python,
    /// jose.
    Node,
}

/// A pair of keys that a foreign implementation made.
pub(crate) struct Pair {
    private: Value,
    /// The value of `Public-Key`.
    pub(crate) header: String,
}

impl Foreign {
    /// Makes a pair of keys.
    pub(crate) fn pair(self) -> Pair {
        let made = self.ask(&json!({ "do": "key" }));
        let header = made["public"].as_str().expect("a text").to_owned();
        Pair { private: made["private"].clone(), header }
    }

    /// Encrypts for a key as we publish it.
    pub(crate) fn encrypt(self, key: &str, alg: &str, kid: Option<&str>, text: &str) -> String {
        let asked = json!({ "do": "encrypt", "key": key, "alg": alg, "kid": kid, "text": text });
        self.ask(&asked)["token"].as_str().expect("a token").to_owned()
    }

    /// Decrypts; the token's header and its text.
    pub(crate) fn decrypt(self, pair: &Pair, token: &Value) -> (Value, String) {
        let opened = self.ask(&json!({ "do": "decrypt", "private": pair.private, "token": token }));
        (opened["header"].clone(), opened["text"].as_str().expect("a text").to_owned())
    }

    fn ask(self, what: &Value) -> Value {
        let script = match self {
            Self::Python => "python/jwe.py",
            Self::Node => "node/jwe.mjs",
        };
        self.run(script, what)
    }

    fn run(self, script: &str, what: &Value) -> Value {
        let output = self.output(script, what);
        assert!(output.status.success(), "{self:?} failed: {script} {}", what["do"]);
        serde_json::from_slice(&output.stdout).expect("it prints JSON")
    }

    fn output(self, script: &str, what: &Value) -> Output {
        let mut command = match self {
            Self::Python => Command::new(variable("ANTACA_TEST_PYTHON")),
            Self::Node => {
                variable("ANTACA_TEST_NODE");
                Command::new("node")
            }
        };
        let tests = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests"));
        command.arg(tests.join(script)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(what.to_string().as_bytes()).expect("it reads");
        drop(input);
        child.wait_with_output().expect("it ends")
    }
}

/// Plays a scenario of `tests/node/panel.mjs` in Debian's chromium; what it tells of it.
pub(crate) async fn in_chromium(what: Value) -> Value {
    let played = move || {
        let output = Foreign::Node.output("node/panel.mjs", &what);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {told}", what["scenario"]);
        serde_json::from_str(&told).expect("it prints JSON")
    };
    tokio::task::spawn_blocking(played).await.expect("the scenario ends well")
}

/// A PDF as pypdf reads it: its `title`, when it was made and the text of its `pages`.
pub(crate) fn read_pdf(file: &[u8]) -> Value {
    let file = base64::engine::general_purpose::STANDARD.encode(file);
    Foreign::Python.run("python/pdf.py", &json!({ "file": file }))
}

/// What psec makes of cards.
pub(crate) fn card_crypto(cards: &Value) -> Value {
    Foreign::Python.run("python/card_crypto.py", cards)
}

#[expect(clippy::disallowed_methods, reason = "tests are configured by ./scripts/test")]
fn variable(name: &str) -> std::ffi::OsString {
    std::env::var_os(name).unwrap_or_else(|| {
        panic!("{name} isn't set: run ./scripts/test, or see CONTRIBUTING.md for what it sets")
    })
}
