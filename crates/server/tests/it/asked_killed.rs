//! A server that dies at any step of a flow that asks a partner, or tells it of what has happened:
//! the network's repeated message gets one answer, and in the end the partner's books and ours
//! agree. Kills at random moments: `asked`.

use crate::asked::{Asked, EXTERNAL, PATIENCE, SHARED, Said, What};
use crate::load::VARIABLES;
use crate::story::Story;
use crate::support::{Caller, Database, Sandbox};
use serde_json::Value;
use std::path::Path;
use testkit::books::Mode;
use testkit::{Received, Way, eventually};
use tokio::task::JoinSet;

/// The steps of a question: it is committed, answered, and the answer is committed.
const QUESTION: [&str; 3] = ["asked", "answered", "told"];
/// The steps of a call of the outbox: it is claimed, made, and what came of it is written.
const CALL: [&str; 3] = ["call-claimed", "call-made", "call-settled"];

/// What is sent at once, of which the first to come to a step stops the server there.
fn at_once(mode: Mode, step: &str, first: &Said) -> Vec<Said> {
    if CALL.contains(&step) {
        return vec![Said::new(What::Reversal, 200, Some(first))];
    }
    let new = |what| Said::new(what, 300, None);
    let mut all = vec![new(What::Purchase), new(What::Refund)];
    if matches!(mode, Mode::External { .. }) {
        all.extend([new(What::TopUp), new(What::Withdrawal)]);
    }
    all.push(Said::new(What::Increment, 50, Some(first)));
    all
}

/// Answers of messages that are sent at once, each until it is answered for good; without the name
/// of the request, which each has its own of.
async fn answers(story: &Story, callers: &[Caller; 2], all: &[Said]) -> Vec<(u16, Value)> {
    let mut answers = Vec::new();
    for said in all {
        let (status, mut told) = said.answered(story, callers).await.expect("the server is there");
        if let Some(told) = told.as_object_mut() {
            told.remove("requestId");
        }
        answers.push((status, told));
    }
    answers
}

/// Has the server stop at a step, and kills it there.
async fn killed_at(
    sandbox: &mut Sandbox,
    (step, marker): (&str, &Path),
    (asked, story): (&Asked, &Story),
    all: &[Said],
) {
    let callers = asked.callers(sandbox);
    let mut waiting = JoinSet::new();
    for said in all {
        waiting.spawn(said.request(story, &callers).send());
    }
    eventually(step, PATIENCE, async || marker.exists()).await;
    sandbox.kill();
    waiting.join_all().await;
    std::fs::remove_file(marker).expect("the marker");
}

/// Kills a server at each step, with a partner of its own; then all is repeated and goes on.
async fn killed_at_each_step(database: Database, of: (&'static str, Mode)) {
    let folder = testkit::folder();
    let mut sandbox = Sandbox::start_with(database, VARIABLES).await;
    let steps = [QUESTION, CALL].concat();
    let asked = Asked::begin(&sandbox, of, steps.len(), |_, _| Way::Books).await;
    for (step, story) in steps.into_iter().zip(&asked.stories) {
        let first = Said::new(What::Purchase, 500, None);
        let callers = asked.callers(&sandbox);
        let told = answers(story, &callers, std::slice::from_ref(&first)).await;
        assert_eq!(told[0].1["approved"], true, "{step}");

        sandbox.stop().await.assert_done();
        let marker = folder.path().join(step);
        let fault = format!("{step}:1:{}", marker.display());
        sandbox.set_variables(&[VARIABLES, &[("ANTACA_FAULT", fault.as_str())][..]].concat());
        sandbox.restart().await;
        let all = at_once(of.1, step, &first);
        killed_at(&mut sandbox, (step, &marker), (&asked, story), &all).await;
        sandbox.set_variables(VARIABLES);
        sandbox.restart().await;

        let callers = asked.callers(&sandbox);
        let once = answers(story, &callers, &all).await;
        assert_eq!(answers(story, &callers, &all).await, once, "{step}: one answer");
        // It is settled, for more than is left; and what was approved meanwhile goes on too.
        let mut ends = vec![Said::new(What::Clearing, 507, Some(&first))];
        let approved = all.iter().zip(&once).filter(|(_, (_, told))| told["approved"] == true);
        let purchases = approved.filter(|(said, _)| said.is(What::Purchase));
        ends.extend(purchases.map(|(said, _)| Said::new(What::Reversal, 300, Some(said))));
        answers(story, &callers, &ends).await;
        asked.agreed(&sandbox).await;
        one_effect(&asked.books.received(), step);
    }
    sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    sandbox.stop().await.assert_done();
}

/// Whatever was sent more than once under a key is the same, word by word.
fn one_effect(received: &[Received], step: &str) {
    let about = |it: &&Received| it.path.starts_with("/transactions/");
    for it in received.iter().filter(about) {
        let twin = received.iter().find(|other| other.key() == it.key()).expect("it is there");
        assert_eq!((&twin.path, &twin.bytes), (&it.path, &it.bytes), "{step}");
    }
}

on_both_databases! {
    /// The two side by side: where a claim of the dead server has to end, most of it is waiting.
    async fn a_server_that_is_killed_at_a_step_of_a_partners_flow_forgets_nothing(database) {
        let beside = database.another().await;
        tokio::join!(killed_at_each_step(database, SHARED), killed_at_each_step(beside, EXTERNAL));
    }
}
