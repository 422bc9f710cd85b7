//! Plastic whose bureau has an SFTP server: a real one.

use crate::plastic::{PHYSICAL, ordered, quick, until};
use crate::story::Story;
use crate::support::{Sandbox, Sshd};
use crypto::ssh::SshKey;
use outbound::bureau::Place;
use outbound::bureau::sftp::{Address, HostKeys, Login};
use outbound::target::Reach;
use serde_json::Value;
use std::path::Path;

async fn set(sandbox: &Sandbox, url: &str, host_keys: &Path, more: &[&str]) -> Value {
    let key = sandbox.dir().join("jwe-public.pem");
    let [host_keys, key] = [host_keys, &key].map(|it| it.to_str().expect("a path of text"));
    let set = ["bureau", "set", "--name", "remote", "--folder", url, "--public-key", key];
    let all = [&set[..], &["--host-keys", host_keys], more].concat();
    sandbox.antaca(&all).await.assert_done().json().remove(0)
}

async fn refused(sandbox: &Sandbox, why: &str) {
    let tried = sandbox.antaca(&["bureau", "check", "--name", "remote"]).await;
    assert!(tried.code == Some(1) && tried.stderr.contains(why), "{why}: {tried:?}");
}

/// What is done on a server is what is done in a folder.
#[tokio::test]
async fn files_of_a_server_are_laid_whole_and_taken_once() {
    let server = Sshd::start().await;
    let (url, share) = server.share("cards");
    let key = SshKey::generate();
    server.let_in(&key.public_line());
    let host = std::fs::read_to_string(server.host_key()).expect("its key");
    let place = Place::Sftp(Login {
        address: Address::parse(&url, Reach::Anywhere).expect("an address"),
        host_keys: HostKeys::parse(&host).expect("a key"),
        key: key.into(),
        reach: Reach::Anywhere,
    });
    let folder = place.open().await.expect("opens");
    folder.reports().await.expect_err("there is no folder");
    let missing = folder.put("a.ndjson", b"one").await.expect_err("nobody has made it");
    assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
    folder.prepare().await.expect("makes it");
    folder.prepare().await.expect("is content");
    let long = vec![b'x'; 1 << 20];
    folder.put("a.ndjson", b"one").await.expect("lays it");
    folder.put("a.ndjson", &long).await.expect("lays it again");
    let out = share.join("out");
    assert_eq!(std::fs::read_dir(&out).expect("is there").count(), 1);
    assert!(std::fs::read(out.join("a.ndjson")).expect("is there") == long);
    // As two nodes do: whoever is second takes nothing away.
    let other = place.open().await.expect("opens");
    for _ in 0..10 {
        let (one, two) = tokio::join!(folder.put("b.ndjson", &long), other.put("b.ndjson", &long));
        assert!(one.is_ok() || two.is_ok(), "{one:?} {two:?}");
        assert!(std::fs::read(out.join("b.ndjson")).expect("is there") == long);
        assert_eq!(std::fs::read_dir(&out).expect("is there").count(), 2);
    }

    for (name, text) in [("b.csv", "2"), ("a.CSV", "1"), ("c.csv.part", "3"), (".d.csv", "4")] {
        std::fs::write(share.join("in").join(name), text).expect("writes");
    }
    std::fs::create_dir(share.join("in/folder.csv")).expect("makes it");
    let names = folder.reports().await.expect("reads");
    assert_eq!(names, ["a.CSV", "b.csv", "folder.csv"]);
    let read = async |name: &str| folder.report(name).await;
    assert_eq!(read("b.csv").await.expect("reads").expect("is there").text, "2");
    read("folder.csv").await.expect_err("is no file");
    assert!(read("e.csv").await.expect("reads").is_none());
    let taken = read("a.CSV").await.expect("reads").expect("is there");
    std::fs::write(share.join("in/done/a.CSV"), "an earlier one").expect("writes");
    folder.finish("a.CSV", &taken).await.expect("moves");
    folder.finish("a.CSV", &taken).await.expect("another node was faster");
    assert_eq!(std::fs::read_dir(share.join("in/done")).expect("reads").count(), 2);
    assert!(!share.join("in/a.CSV").exists());

    // As another node does that has looked a moment earlier.
    let taken = read("b.csv").await.expect("reads").expect("is there");
    let (one, two) = tokio::join!(folder.finish("b.csv", &taken), other.finish("b.csv", &taken));
    one.and(two).expect("one of them moves it");
    assert_eq!(std::fs::read(share.join("in/done/b.csv")).expect("is kept"), b"2");
    std::fs::remove_dir_all(share.join("in/done")).expect("removes");
    std::fs::write(share.join("in/a.CSV"), "5").expect("writes");
    let taken = read("a.CSV").await.expect("reads").expect("is there");
    folder.finish("a.CSV", &taken).await.expect_err("has no place");
}

on_both_databases! {
    async fn orders_travel_to_a_server_and_back(database) {
        let sandbox = quick(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let server = Sshd::start().await;
        let (url, share) = server.share("cards");
        let told = set(&sandbox, &url, &server.host_key(), &[]).await;
        refused(&sandbox, "the server doesn't let us in: it has to be given our key").await;
        server.let_in(told["sshKey"].as_str().expect("our key"));
        sandbox.antaca(&["bureau", "check", "--name", "remote"]).await.assert_done();
        let program = ["program", "set", "--partner", "sandbox", "--config-id", PHYSICAL];
        let remote = ["--bureau", "remote", "--chip-profile", "CHIP"];
        sandbox.antaca(&[&program[..], &remote].concat()).await.assert_done();

        let id = ordered(sandbox.partner(), &story, PHYSICAL).await;
        until(&sandbox, &story, &id, "SENT_TO_BUREAU").await;
        let laid: Vec<_> = std::fs::read_dir(share.join("out")).expect("is there").collect();
        assert_eq!(laid.len(), 1, "whole, and nothing beside it");
        let batch = std::fs::read_to_string(laid[0].as_ref().expect("an entry").path());
        let batch = batch.expect("reads");
        let lines: Vec<Value> =
            batch.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!((&lines[0]["bureau"], &lines[0]["records"]), (&"remote".into(), &1.into()));
        let reference = lines[1]["reference"].as_str().expect("a reference");
        assert_eq!(reference, format!("sandbox:{id}"));

        let report = format!("reference,outcome\n{reference},PERSONALISED\n");
        std::fs::write(share.join("in/first.csv.part"), &report).expect("writes");
        std::fs::rename(share.join("in/first.csv.part"), share.join("in/first.csv"))
            .expect("renames");
        until(&sandbox, &story, &id, "PERSONALISED").await;
        let done = async || share.join("in/done/first.csv").exists();
        testkit::eventually("moved away", std::time::Duration::from_secs(20), done).await;
        assert!(!share.join("in/first.csv").exists());
    }

    /// A stranger on the bureau's address gets nothing, and what waits leaves afterwards.
    async fn a_server_that_cannot_be_trusted_gets_nothing(database) {
        let sandbox = quick(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let mut server = Sshd::start().await;
        let (url, share) = server.share("cards");
        let first = set(&sandbox, &url, &server.host_key(), &[]).await;
        let again = set(&sandbox, &url, &server.host_key(), &[]).await;
        assert_eq!(first["sshKey"], again["sshKey"], "our key stays until it is changed");
        let changed = set(&sandbox, &url, &server.host_key(), &["--new-key"]).await;
        assert_ne!(first["sshKey"], changed["sshKey"]);
        server.let_in(changed["sshKey"].as_str().expect("our key"));
        sandbox.antaca(&["bureau", "check", "--name", "remote"]).await.assert_done();
        let program = ["program", "set", "--partner", "sandbox", "--config-id", PHYSICAL];
        let remote = ["--bureau", "remote", "--chip-profile", "CHIP"];
        sandbox.antaca(&[&program[..], &remote].concat()).await.assert_done();

        server.change_host_key().await;
        refused(&sandbox, "the server shows another host key than the one that is set").await;
        let id = ordered(sandbox.partner(), &story, PHYSICAL).await;
        let ran = sandbox.antaca(&["orders", "run"]).await.assert_done().json().remove(0);
        assert_eq!(ran["sent"], 0, "{ran}");
        server.stop();
        refused(&sandbox, "the server can't be reached").await;
        until(&sandbox, &story, &id, "ORDERED").await;
        let laid = std::fs::read_dir(share.join("out")).expect("is there").count();
        assert_eq!(laid, 0);

        server.change_host_key().await;
        set(&sandbox, &url, &server.host_key(), &[]).await;
        until(&sandbox, &story, &id, "SENT_TO_BUREAU").await;
    }

    async fn a_server_that_cannot_be_called_is_refused(database) {
        let sandbox = quick(database).await;
        let key = sandbox.dir().join("jwe-public.pem");
        let key = key.to_str().expect("a path of text");
        let host = sandbox.dir().join("host.pub");
        std::fs::write(&host, format!("{}\n", SshKey::generate().public_line()))
            .expect("writes");
        let host = host.to_str().expect("a path of text");
        let with: &[&str] = &["--host-keys", host];
        let wrong_keys: &[&str] = &["--host-keys", key];
        for (folder, more) in [
            ("srv/bureau", &[][..]),
            ("/srv/bureau", with),
            ("sftp://antaca@bureau.example/cards", &[]),
            ("sftp://antaca@bureau.example/cards", wrong_keys),
            ("sftp://antaca:secret@bureau.example/cards", with),
            ("sftp://bureau.example/cards", with),
            ("sftp://antaca@bureau.example:21/cards", with),
        ] {
            let set = ["bureau", "set", "--name", "remote", "--public-key", key];
            let told = sandbox.antaca(&[&set[..], &["--folder", folder], more].concat()).await;
            assert!(told.code == Some(1), "{folder}: {told:?}");
            assert!(told.stderr.contains("BUREAU_FOLDER_INVALID"), "{folder}: {told:?}");
        }
        let listed = sandbox.antaca(&["bureau", "list"]).await;
        assert!(listed.code == Some(0) && !listed.stdout.contains("remote"), "{listed:?}");
    }
}
