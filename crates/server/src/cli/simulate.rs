//! The command line of `antaca simulate`, named after what networks send.

use crate::sandbox::DATA;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Whose code.
#[derive(Args, Debug)]
pub(crate) struct CodeArgs {
    /// The account's e-mail address, as sandbox.json tells it
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: String,
    #[command(flatten)]
    pub(crate) at: SandboxData,
}

/// `antaca simulate`
#[derive(Debug, Subcommand)]
pub(crate) enum SimulateCommand {
    /// Show what the authenticator of one of the sandbox's panel accounts shows now
    #[command(after_help = "Example:\n  antaca simulate code --email admin@sandbox.example")]
    Code(CodeArgs),
    /// A cardholder pays at a merchant, or takes cash (--type atm)
    #[command(after_help = "Example:\n  antaca simulate purchase --card 17 --amount 1234 \
        --merchant \"Book store\" --mcc 5942")]
    Purchase(PurchaseArgs),
    /// The merchant asks for more of what it was given: a hotel, a rented car
    #[command(after_help = "Example:\n  antaca simulate increment --card 17 --amount 500 \
        --reference 177482991004\n    --reference-date 2026-01-31T12:00:00+00:00")]
    Increment(ReferringArgs),
    /// Somebody else decided for the issuer, and tells
    #[command(after_help = "Example:\n  antaca simulate advice --card 17 --amount 1234")]
    Advice(AdviceArgs),
    /// A merchant gives money: it asks first
    #[command(after_help = "Example:\n  antaca simulate credit --card 17 --amount 1234")]
    Credit(MessageArgs),
    /// A merchant takes money without a question
    #[command(after_help = "Example:\n  antaca simulate force-debit --card 17 --amount 1234")]
    ForceDebit(MessageArgs),
    /// A merchant gives money without a question
    #[command(after_help = "Example:\n  antaca simulate force-credit --card 17 --amount 1234")]
    ForceCredit(MessageArgs),
    /// The network corrects an amount
    #[command(after_help = "Example:\n  antaca simulate adjust --card 17 --amount 100 \
        --category CREDIT\n    --reference 177482991004 \
        --reference-date 2026-01-31T12:00:00+00:00")]
    Adjust(AdjustArgs),
    /// A merchant asks whether the card is good
    #[command(after_help = "Example:\n  antaca simulate account-verification --card 17")]
    AccountVerification(QuestionArgs),
    /// A cash machine asks what can be spent
    #[command(after_help = "Example:\n  antaca simulate balance-inquiry --card 17")]
    BalanceInquiry(QuestionArgs),
    /// The merchant collects the money: more, less, or in parts
    #[command(
        after_help = "Example:\n  antaca simulate clear --card 17 --amount 1234 --reference \
        177482991004\n    --reference-date 2026-01-31T12:00:00+00:00\n  \
        antaca simulate clear --card 17 --amount 1234   # without an authorization"
    )]
    Clear(ClearArgs),
    /// The merchant gives money back: a clearing of its own
    #[command(after_help = "Example:\n  antaca simulate refund --card 17 --amount 1234")]
    Refund(RefundArgs),
    /// The merchant calls the purchase off, in full or in part
    #[command(after_help = "Example:\n  antaca simulate reverse --card 17 --amount 1234 \
        --reference 177482991004\n    --reference-date 2026-01-31T12:00:00+00:00")]
    Reverse(ReverseArgs),
    /// The network has a card stopped
    #[command(after_help = "Example:\n  antaca simulate stop --card 17 --reason 2")]
    Stop(StopArgs),
    /// A bureau or a carrier reports what became of plastic
    #[command(after_help = "Example:\n  antaca simulate shipping --order \
        3f0c9a52-8f4e-4c0b-9d57-2a1b8c6d7e90 --outcome SHIPPED\n    --tracking RR123456785PL")]
    Shipping(ShippingArgs),
    /// Many cardholders at many merchants, for a while
    #[command(after_help = "Example:\n  antaca simulate traffic --cards 1000 --rate 200 \
        --duration 60s")]
    Traffic(TrafficArgs),
}

/// What every message about a use of the card says.
#[derive(Args, Debug)]
pub(crate) struct MessageArgs {
    /// The card's id
    #[arg(long)]
    pub(crate) card: i64,
    /// The amount in minor units: 1234 is 12.34
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) amount: i64,
    /// ISO 4217 code of the amount's currency
    #[arg(long, default_value = "EUR")]
    pub(crate) currency: String,
    /// What is done
    #[arg(long = "type", default_value = "pos",
        value_parser = ["pos", "atm", "cashback_at_pos", "aft"])]
    pub(crate) transaction_type: String,
    /// The merchant's name, as the statement shows it
    #[arg(long, default_value = "Book store")]
    pub(crate) merchant: String,
    /// The merchant category code
    #[arg(long, default_value = "5942")]
    pub(crate) mcc: String,
    /// The merchant's country, ISO 3166 alpha-3
    #[arg(long, default_value = "POL")]
    pub(crate) country: String,
    /// How the card is read
    #[arg(long, default_value = "ECOM")]
    pub(crate) capture_mode: String,
    /// The network's id of the transaction [default: a random one]
    #[arg(long)]
    pub(crate) network_id: Option<String>,
    #[command(flatten)]
    pub(crate) original: OriginalArgs,
    #[command(flatten)]
    pub(crate) at: SandboxData,
}

/// What the merchant charges in a currency of its own.
#[derive(Args, Debug)]
pub(crate) struct OriginalArgs {
    /// The merchant's amount in minor units of --original-currency
    #[arg(long, requires = "original_currency")]
    pub(crate) original_amount: Option<i64>,
    /// ISO 4217 code of the merchant's currency
    #[arg(long, requires = "original_amount")]
    pub(crate) original_currency: Option<String>,
    /// The network's rate, a decimal
    #[arg(long)]
    pub(crate) conversion_rate: Option<String>,
}

/// `antaca simulate purchase`
#[derive(Args, Debug)]
pub(crate) struct PurchaseArgs {
    #[command(flatten)]
    pub(crate) message: MessageArgs,
    /// Less than the amount would do
    #[arg(long)]
    pub(crate) partial_approval: bool,
    /// The amount is an estimate: the hold lasts longer
    #[arg(long)]
    pub(crate) pre_authorization: bool,
    /// The three digits on the card's back
    #[arg(long)]
    pub(crate) cvv: Option<String>,
    /// The last month on the card, YYYY-MM
    #[arg(long)]
    pub(crate) expiry: Option<String>,
    /// The PIN that the cardholder types
    #[arg(long)]
    pub(crate) pin: Option<String>,
}

/// What an earlier message was called.
#[derive(Args, Debug)]
pub(crate) struct ReferenceArgs {
    /// The transactionId of the purchase
    #[arg(long)]
    pub(crate) reference: String,
    /// The transactionDate of the purchase, as it was answered
    #[arg(long)]
    pub(crate) reference_date: String,
}

/// The same where it can be left out.
#[derive(Args, Debug)]
pub(crate) struct MaybeReferenceArgs {
    /// The transactionId of the purchase, if there was one
    #[arg(long, requires = "reference_date")]
    pub(crate) reference: Option<String>,
    /// The transactionDate of the purchase, as it was answered
    #[arg(long, requires = "reference")]
    pub(crate) reference_date: Option<String>,
}

/// `antaca simulate increment`
#[derive(Args, Debug)]
pub(crate) struct ReferringArgs {
    #[command(flatten)]
    pub(crate) message: MessageArgs,
    #[command(flatten)]
    pub(crate) of: ReferenceArgs,
}

/// `antaca simulate advice`
#[derive(Args, Debug)]
pub(crate) struct AdviceArgs {
    #[command(flatten)]
    pub(crate) message: MessageArgs,
    #[command(flatten)]
    pub(crate) of: MaybeReferenceArgs,
    /// It was declined
    #[arg(long)]
    pub(crate) declined: bool,
}

/// `antaca simulate adjust`
#[derive(Args, Debug)]
pub(crate) struct AdjustArgs {
    #[command(flatten)]
    pub(crate) message: MessageArgs,
    #[command(flatten)]
    pub(crate) of: MaybeReferenceArgs,
    /// Which way the cardholder's money goes
    #[arg(long, default_value = "DEBIT", value_parser = ["DEBIT", "CREDIT"])]
    pub(crate) category: String,
}

/// `antaca simulate account-verification`, `balance-inquiry`
#[derive(Args, Debug)]
pub(crate) struct QuestionArgs {
    /// The card's id
    #[arg(long)]
    pub(crate) card: i64,
    /// ISO 4217 code of the card's currency
    #[arg(long, default_value = "EUR")]
    pub(crate) currency: String,
    #[command(flatten)]
    pub(crate) at: SandboxData,
}

/// `antaca simulate clear`
#[derive(Args, Debug)]
pub(crate) struct ClearArgs {
    #[command(flatten)]
    pub(crate) what: RefundArgs,
    #[command(flatten)]
    pub(crate) of: MaybeReferenceArgs,
    /// More clearings of the same purchase follow: what is left stays held
    #[arg(long)]
    pub(crate) partial: bool,
    /// Which of several clearings of the same purchase it is
    #[arg(long, default_value_t = 1)]
    pub(crate) sequence: u32,
    /// What the partner's COMPANY gains by exchange rates, in minor units; below zero it pays
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) fx_difference: Option<i64>,
    #[command(flatten)]
    pub(crate) original: OriginalArgs,
}

/// `antaca simulate refund`
#[derive(Args, Debug)]
pub(crate) struct RefundArgs {
    /// The card's id
    #[arg(long)]
    pub(crate) card: i64,
    /// The amount in minor units: 1234 is 12.34
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) amount: i64,
    /// ISO 4217 code of the amount's currency
    #[arg(long, default_value = "EUR")]
    pub(crate) currency: String,
    #[command(flatten)]
    pub(crate) at: SandboxData,
}

/// `antaca simulate reverse`
#[derive(Args, Debug)]
pub(crate) struct ReverseArgs {
    #[command(flatten)]
    pub(crate) what: RefundArgs,
    #[command(flatten)]
    pub(crate) of: ReferenceArgs,
}

/// `antaca simulate stop`
#[derive(Args, Debug)]
pub(crate) struct StopArgs {
    /// The card's id
    #[arg(long)]
    pub(crate) card: i64,
    /// Why: 1 lost, 2 stolen, 3 a question is open, 4 consolidation, 5 inactive, 6 wrong PINs,
    /// 7 suspected fraud, 8 replaced, 11 wrong PINs offline
    #[arg(long)]
    pub(crate) reason: i64,
    #[command(flatten)]
    pub(crate) at: SandboxData,
}

/// `antaca simulate traffic`
#[derive(Args, Debug)]
pub(crate) struct TrafficArgs {
    /// How many cards are used; they are made first, ten for each user
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) cards: u32,
    /// Messages a second
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rate: u32,
    /// For how long: 90, 90s, 5m or 1h
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub(crate) duration: std::time::Duration,
    /// Print the summary as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) at: SandboxData,
}

/// Seconds, or a number with `s`, `m` or `h`; a day at most.
fn duration(text: &str) -> Result<std::time::Duration, &'static str> {
    let wrong = "must be seconds, or a number with s, m or h, from 1s to 24h";
    let (number, unit) = [("s", 1), ("m", 60), ("h", 3_600)]
        .into_iter()
        .find_map(|(end, unit)| text.strip_suffix(end).map(|number| (number, unit)))
        .unwrap_or((text, 1));
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    let seconds = seconds.filter(|seconds| (1..=86_400).contains(seconds)).ok_or(wrong)?;
    Ok(std::time::Duration::from_secs(seconds))
}

/// Which sandbox.
#[derive(Args, Debug)]
pub(crate) struct SandboxData {
    /// The sandbox's data folder
    #[arg(long, value_name = "DIR", default_value = DATA)]
    pub(crate) data: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_have_units() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("5m", 300), ("24h", 86_400)] {
            assert_eq!(duration(text).map(|told| told.as_secs()), Ok(seconds), "{text}");
        }
        for text in ["", "s", "0", "-1s", "25h", "1d", "18446744073709551615h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}

/// `antaca simulate shipping`
#[derive(Args, Debug)]
pub(crate) struct ShippingArgs {
    /// The order's id
    #[arg(long)]
    pub(crate) order: String,
    /// What became of it
    #[arg(long, value_parser = ["PERSONALISED", "SHIPPED", "DELIVERED", "FAILED", "UNDELIVERED"])]
    pub(crate) outcome: String,
    /// The carrier's name for the parcel
    #[arg(long, default_value = "")]
    pub(crate) tracking: String,
    #[command(flatten)]
    pub(crate) at: SandboxData,
}
