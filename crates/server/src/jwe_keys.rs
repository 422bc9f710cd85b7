//! The keys that requests are encrypted for, at a server's start and in an operator's hand, and the
//! file that tells the current one.

use crate::acts::{Desk, RotateJweKey};
use crate::failure::Failure;
use crate::folder::{Folder, Readers};
use crate::secrets::{self, JWE_PUBLIC};
use app::App;
use app::audit::Operator;
use domain::Timestamp;
use serde_json::{Value, json};

/// Makes sure that the database has a key, and opens all that it has. The one that a former
/// release kept in the folder is taken over where there is none, and removed.
pub(crate) async fn prepare(app: &App, folder: &Folder, now: Timestamp) -> Result<(), Failure> {
    let kept = secrets::kept_jwe_key(folder, app.keyring.masters())?;
    app.prepare_jwe_keys(kept, now).await?;
    secrets::remove_jwe_key(folder)?;
    tell(app, folder)
}

/// Writes the public half of the current key into the folder, if another one stands there.
pub(crate) fn tell(app: &App, folder: &Folder) -> Result<(), Failure> {
    let keys = app.jwe_keys.get();
    let current = keys.current()?.public_pem();
    if folder.read_text(JWE_PUBLIC)?.is_some_and(|told| *told == current) {
        return Ok(());
    }
    folder.write(JWE_PUBLIC, current.as_bytes(), Readers::All)
}

impl Desk {
    /// `keys rotate-jwe`
    pub(crate) async fn rotate_jwe_key(
        &self,
        operator: &Operator,
        command: RotateJweKey,
    ) -> Result<Value, Failure> {
        let now = (self.real_time)();
        // Without a server this may be the first that ever happens to the database.
        prepare(&self.app, &self.folder, now).await?;
        let days = command.previous_days.unwrap_or(self.jwe_previous_days);
        let rotated = self.app.rotate_jwe_key(operator, days, now).await?;
        if let Err(failure) = tell(&self.app, &self.folder) {
            // It is done all the same, and the server tries to tell it again.
            tracing::warn!(%failure, "The new JWE key isn't in the data folder");
        }
        Ok(json!({
            "kid": rotated.kid,
            "previous": rotated.previous,
            "previousAcceptedUntil": rotated.previous_until.to_string(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::keyring::Keyring;
    use crypto::jwe::{PrivateKey, PublicKey};
    use testkit::{Database, TestApp};

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn keep(folder: &Folder, keyring: &Keyring, key: &PrivateKey) {
        let sealed =
            secrets::seal(folder, keyring.masters(), "jwe-key", key.to_pkcs8_pem().as_bytes());
        sealed.expect("written");
    }

    /// Partners have fetched it and go on using it.
    async fn check_taken_over(database: Database) {
        let around = testkit::folder();
        let folder = Folder::create(around.path()).expect("a folder");
        let node = TestApp::on(database).await;
        let key = PrivateKey::generate();
        keep(&folder, &node.app.keyring, &key);
        prepare(&node.app, &folder, NOW).await.expect("a key");
        assert_eq!(node.app.jwe_keys.get().current().expect("a key").kid(), key.kid());
        assert!(!folder.path("jwe-key.sealed").exists());
        let told = folder.read_text(JWE_PUBLIC).expect("read").expect("it is there");
        assert_eq!(*told, key.public_pem());

        // What another node brings later is not the current key, and not kept.
        keep(&folder, &node.app.keyring, &PrivateKey::generate());
        std::fs::remove_file(folder.path(JWE_PUBLIC)).expect("it is there");
        prepare(&node.app, &folder, NOW).await.expect("a key");
        assert!(!folder.path("jwe-key.sealed").exists());
        let told = folder.read_text(JWE_PUBLIC).expect("read").expect("it is there");
        assert_eq!(*told, key.public_pem());
        assert!(PublicKey::parse(&key.public_header()).is_ok());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_key_of_a_former_release_is_taken_over_on_sqlite() {
        check_taken_over(Database::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_key_of_a_former_release_is_taken_over_on_postgres() {
        check_taken_over(Database::Postgres).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_kept_key_that_cannot_be_opened_stops_the_start_and_stays() {
        let around = testkit::folder();
        let folder = Folder::create(around.path()).expect("a folder");
        let node = TestApp::on(Database::Sqlite).await;
        folder.write("jwe-key.sealed", b"spoilt", Readers::Owner).expect("written");
        let failure = prepare(&node.app, &folder, NOW).await.expect_err("spoilt").to_string();
        assert!(failure.contains("jwe-key.sealed can't be opened"), "{failure}");
        assert!(folder.path("jwe-key.sealed").exists());
    }
}
