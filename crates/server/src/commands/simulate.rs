//! What each command of `antaca simulate` does: one message, or many, to a running sandbox.

use crate::acts::bytes;
use crate::cli::{ClearArgs, CodeArgs, MessageArgs, RefundArgs, SimulateCommand, TrafficArgs};
use crate::clock;
use crate::failure::Failure;
use crate::output::{self, Progress};
use crate::sandbox::admins;
use crate::sandbox::partner::{PIN_KEY, PIN_KEY_FILE};
use crypto::pin::PinKey;
use domain::secret::Pin;
use serde_json::{Value, json};
use simulator::bureau::Bureau;
use simulator::traffic::{self, Plan};
use simulator::{
    Authorization, Clearing, Extras, Kind, Reference, Reversal, SimulatorError, Target,
};
use std::path::Path;

/// Does it and prints what was answered.
pub(super) async fn perform(command: SimulateCommand) -> Result<(), Failure> {
    use SimulateCommand as C;
    match command {
        C::Code(it) => code(&it),
        C::Purchase(it) => {
            let mut extras = extras(&it.message);
            extras.partial_approval = it.partial_approval;
            extras.pre_authorization = it.pre_authorization;
            extras.cvv = it.cvv;
            extras.expiry = it.expiry;
            extras.pin_block =
                it.pin.map(|pin| pin_block(&it.message.at.data, &pin)).transpose()?;
            authorize(it.message, Kind::Authorization, None, extras).await
        }
        C::Increment(it) => {
            let reference = Reference { id: it.of.reference, date: it.of.reference_date };
            plain(it.message, Kind::Incremental, Some(reference)).await
        }
        C::Advice(it) => {
            let kind = if it.declined { Kind::DeclineAdvice } else { Kind::Advice };
            plain(it.message, kind, reference(it.of.reference, it.of.reference_date)).await
        }
        C::Credit(it) => plain(it, Kind::Credit, None).await,
        C::ForceDebit(it) => plain(it, Kind::ForceDebit, None).await,
        C::ForceCredit(it) => plain(it, Kind::ForceCredit, None).await,
        C::Adjust(it) => {
            let is_credit = it.category == "CREDIT";
            let kind = if is_credit { Kind::CreditAdjustment } else { Kind::DebitAdjustment };
            plain(it.message, kind, reference(it.of.reference, it.of.reference_date)).await
        }
        C::AccountVerification(it) => {
            ask(it.card, it.currency, Kind::AccountVerification, &it.at.data).await
        }
        C::BalanceInquiry(it) => ask(it.card, it.currency, Kind::BalanceInquiry, &it.at.data).await,
        C::Clear(it) => clear(it).await,
        C::Refund(it) => {
            let refund = Clearing { is_credit: true, ..clearing(&it) };
            told(target(&it.at.data)?.clear(&refund, clock::now()).await)
        }
        C::Reverse(it) => {
            let reversal = Reversal {
                card: it.what.card,
                amount: it.what.amount,
                currency: it.what.currency,
                reference: Reference { id: it.of.reference, date: it.of.reference_date },
            };
            told(target(&it.what.at.data)?.reverse(&reversal, clock::now()).await)
        }
        C::Stop(it) => told(target(&it.at.data)?.stop(it.card, it.reason).await),
        C::Shipping(it) => {
            let bureau = Bureau::of_sandbox(&it.at.data);
            let reported = bureau.report(&it.order, &it.outcome, &it.tracking);
            reported.map_err(|error| Failure::new(format!("Nothing was reported: {error}.")))?;
            output::line(&json!({ "orderId": it.order, "reported": it.outcome }).to_string());
            Ok(())
        }
        C::Traffic(it) => traffic(it).await,
    }
}

/// The PIN as the sandbox's processor encrypts it. It knows the card by its id alone, so the block
/// is one that isn't bound to a number.
fn pin_block(data: &Path, pin: &str) -> Result<Value, Failure> {
    let wrong = |_| Failure::new("--pin must be 4 to 12 digits.");
    let pin = Pin::parse(pin).map_err(wrong)?;
    let missing = || Failure::new("The sandbox has no PIN key: is it the right --data?");
    // Not by way of a folder that is opened, which the sandbox holds.
    let digits = std::fs::read_to_string(data.join(PIN_KEY_FILE)).map_err(|_| missing())?;
    let key = bytes(digits.trim()).and_then(|key| PinKey::triple_des(&key).ok());
    let block = key.ok_or_else(missing)?.encrypt_unbound(&pin).ok_or_else(missing)?;
    let digits: String = block.bytes().iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(json!({ "format": block.format().number(), "keyId": PIN_KEY, "block": digits }))
}

async fn clear(it: ClearArgs) -> Result<(), Failure> {
    let original = it.original.original_amount.zip(it.original.original_currency);
    let conversion_rate = it.original.conversion_rate;
    let clearing = Clearing {
        reference: reference(it.of.reference, it.of.reference_date),
        partial: it.partial,
        sequence: it.sequence,
        fx_difference: it.fx_difference,
        extras: Extras { original, conversion_rate, ..Extras::default() },
        ..clearing(&it.what)
    };
    told(target(&it.what.at.data)?.clear(&clearing, clock::now()).await)
}

/// A whole clearing of nothing that went before.
fn clearing(it: &RefundArgs) -> Clearing {
    Clearing {
        card: it.card,
        amount: it.amount,
        currency: it.currency.clone(),
        reference: None,
        is_credit: false,
        partial: false,
        sequence: 1,
        fx_difference: None,
        extras: Extras::default(),
    }
}

fn reference(id: Option<String>, date: Option<String>) -> Option<Reference> {
    id.zip(date).map(|(id, date)| Reference { id, date })
}

fn extras(message: &MessageArgs) -> Extras {
    let original = &message.original;
    Extras {
        original: original.original_amount.zip(original.original_currency.clone()),
        conversion_rate: original.conversion_rate.clone(),
        ..Extras::default()
    }
}

async fn plain(it: MessageArgs, kind: Kind, of: Option<Reference>) -> Result<(), Failure> {
    let extras = extras(&it);
    authorize(it, kind, of, extras).await
}

async fn authorize(
    it: MessageArgs,
    kind: Kind,
    reference: Option<Reference>,
    extras: Extras,
) -> Result<(), Failure> {
    let message = Authorization {
        card: it.card,
        kind,
        transaction_type: it.transaction_type,
        amount: it.amount,
        currency: it.currency,
        merchant: it.merchant,
        mcc: it.mcc,
        country: it.country,
        capture_mode: it.capture_mode,
        network_id: it.network_id,
        reference,
        extras,
    };
    told(target(&it.at.data)?.authorize(&message, clock::now()).await)
}

/// A question that moves nothing.
async fn ask(card: i64, currency: String, kind: Kind, data: &Path) -> Result<(), Failure> {
    let question = Authorization { kind, currency, ..Authorization::purchase(card, 0) };
    told(target(data)?.authorize(&question, clock::now()).await)
}

fn told(answer: simulator::Answer) -> Result<(), Failure> {
    output::line(&answer.map_err(|error| not_simulated(&error))?.to_string());
    Ok(())
}

async fn traffic(it: TrafficArgs) -> Result<(), Failure> {
    let target = target(&it.at.data)?;
    let plan = Plan { cards: it.cards, rate: it.rate, duration: it.duration };
    let progress = Progress::begin();
    let summary = traffic::run(&it.at.data, &target, plan, clock::now, |text| {
        progress.tell(|| text.to_owned());
    });
    let summary = summary.await.map_err(|error| not_simulated(&error))?;
    drop(progress);
    output::line(&if it.json { summary.json().to_string() } else { summary.text() });
    Ok(())
}

/// Prints what an authenticator shows now.
fn code(asked: &CodeArgs) -> Result<(), Failure> {
    let seconds = u64::try_from(clock::now().as_second()).unwrap_or_default();
    let code = admins::code(&asked.at.data, &asked.email, seconds)?;
    output::line(&code);
    Ok(())
}

fn target(data: &Path) -> Result<Target, Failure> {
    Target::of_sandbox(data).map_err(|error| not_simulated(&error))
}

fn not_simulated(error: &SimulatorError) -> Failure {
    let told = error.to_string();
    let end = if told.ends_with(['.', '?', ')']) { "" } else { "." };
    Failure::new(format!("The message wasn't taken: {told}{end}"))
}
