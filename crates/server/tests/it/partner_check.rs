//! `antaca partner check`: against the demonstration partner, and against a server of one's own.

use crate::support::{Ended, Sandbox, antaca};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::books::Mode;
use testkit::{Behaviour, Bookkeeper, Received, Way};

on_both_databases! {
    /// What the sandbox shows as an example is as the contract says, to the last point.
    async fn the_demonstration_partner_is_as_it_should_be(database) {
        let sandbox = Sandbox::start(database).await;
        for (code, mode, count) in [
            ("external", "external", 33),
            ("shared", "shared", 17),
            ("sandbox", "notifications", 18),
        ] {
            let command = ["partner", "check", "--partner", code, "--json"];
            let report = sandbox.antaca(&command).await.assert_done().json().remove(0);
            let findings = report["findings"].as_array().expect("a list");
            let all_well = findings.iter().all(|finding| finding["verdict"] == "ok");
            assert!(all_well && findings.len() == count, "{code}: {report}");
            assert_eq!((&report["mode"], &report["holds"]), (&json!(mode), &json!(true)));
        }
        // What the partner does for us can be said otherwise: here it has no balances.
        let command = ["partner", "check", "--partner", "shared", "--mode", "external"];
        let ended = sandbox.antaca(&command).await;
        ended.assert_refused("checks found something wrong.");
        assert!(ended.stdout.contains("WRONG    link: a known user's is done"), "{ended:?}");
        let unknown = ["partner", "check", "--partner", "nobody"];
        assert_eq!(sandbox.antaca(&unknown).await.code, Some(1));
        let path = ["partner", "check", "--partner", "external", "--user", "../7"];
        sandbox.antaca(&path).await.assert_refused("--user must be");
    }
}

/// A server of somebody's own, and what `antaca` needs to call it, as files.
struct Own {
    partner: Bookkeeper,
    folder: TempDir,
}

impl Own {
    async fn start(choose: impl Fn(&Received, usize) -> Way + Send + Sync + 'static) -> Self {
        let partner = Bookkeeper::start(Mode::External { starting: 0 }, choose).await;
        let folder = testkit::folder();
        let (certificate, key) = partner.identity();
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
        for (name, content) in [
            ("ca.pem", partner.authority()),
            ("antaca.pem", certificate),
            ("antaca.key", key),
            ("secret", secret),
        ] {
            std::fs::write(folder.path().join(name), content).expect("written");
        }
        Self { partner, folder }
    }

    async fn check(&self, more: &[&str]) -> Ended {
        let path = |name: &str| self.folder.path().join(name).to_str().expect("text").to_owned();
        let (url, ca, certificate) = (self.partner.base_url(), path("ca.pem"), path("antaca.pem"));
        let (key, secret) = (path("antaca.key"), path("secret"));
        let command = [
            "partner",
            "check",
            "--url",
            &url,
            "--ca",
            &ca,
            "--certificate",
            &certificate,
            "--key",
            &key,
            "--secret-file",
            &secret,
            "--mode",
            "external",
            "--user",
            "7",
        ];
        antaca(&[&command[..], more].concat()).await
    }
}

#[tokio::test]
async fn a_server_of_ones_own_is_checked_without_an_instance() {
    let good = Own::start(|_, _| Way::Books).await;
    let ended = good.check(&["--allow-private"]).await;
    let lines: Vec<&str> = ended.assert_done().stdout.lines().collect();
    assert_eq!(lines.first(), Some(&"ok       the server answers"));
    // The double doesn't look at signatures.
    let others = lines.iter().filter(|line| !line.starts_with("ok  "));
    let expected = [
        "WARNING  a wrong signature is refused",
        "    sent      /users/7/balances, webhook-signature by another secret",
        "    expected  401, or 403: anybody who gets to the server can send it",
        "    came      200",
    ];
    assert_eq!(others.copied().collect::<Vec<_>>(), expected);
    let first = &good.partner.received()[1];
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/users/0/balances"));
    assert!(first.headers["webhook-signature"].starts_with("v1,"));

    let forgetful = Own::start(|request, _| match request.path.as_str() {
        "/transactions/reversal" => Way::Instead(Behaviour::Status(404)),
        _ => Way::Books,
    })
    .await;
    let ended = forgetful.check(&["--allow-private", "--json"]).await;
    ended.assert_refused("3 of 33 checks found something wrong.");
    let report: Value = serde_json::from_str(ended.stdout.trim()).expect("JSON");
    let wrong = report["findings"].as_array().into_iter().flatten();
    let wrong = wrong.filter(|finding| finding["verdict"] == "WRONG");
    let names: Vec<&str> = wrong.filter_map(|finding| finding["check"].as_str()).collect();
    assert_eq!(report["holds"], false);
    assert!(names.iter().all(|name| name.starts_with("reversal: ")), "{names:?}");
}

#[tokio::test]
async fn what_it_is_given_is_looked_at_first() {
    let own = Own::start(|_, _| Way::Books).await;
    let private = own.check(&[]).await;
    private.assert_refused("1 of 1 checks found something wrong.");
    assert!(private.stdout.contains("an address that isn't public"), "{private:?}");
    assert_eq!(own.partner.count(), 0);
    let ca = own.folder.path().join("ca.pem");
    let ca = ca.to_str().expect("text");
    let check = ["partner", "check", "--mode", "shared", "--ca", ca, "--url"];
    let with = |more: Vec<&'_ str>| -> Vec<String> {
        check.into_iter().chain(more).map(str::to_owned).collect()
    };
    let run = async |arguments: Vec<String>| {
        antaca(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    for (arguments, words) in [
        (with(vec!["http://partner.example"]), "--url must be an https:// URL"),
        (with(vec!["https://127.0.0.1"]), "allowed by --allow-private"),
        (with(vec!["https://partner.example", "--secret-file", ca]), "holds no secret"),
        (with(vec!["https://partner.example", "--certificate", ca, "--key", ca]), "--certificate"),
        (with(vec!["https://partner.example", "--user", ""]), "--user must be"),
    ] {
        run(arguments).await.assert_refused(words);
    }
    let url = ["--url", "https://partner.example"];
    for more in [
        vec![],
        [&url[..], &["--mode", "shared"]].concat(),
        [&url[..], &["--ca", ca]].concat(),
        [&url[..], &["--ca", ca, "--mode", "shared", "--partner", "acme"]].concat(),
    ] {
        let arguments = [&["partner", "check"][..], &more].concat();
        assert_eq!(antaca(&arguments).await.code, Some(2), "{arguments:?}");
    }
    assert_eq!(own.partner.count(), 0);
}
