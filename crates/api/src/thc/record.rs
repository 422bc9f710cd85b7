//! A record of the history on the wire: all fields of the seeds' two examples, with their names.

use crate::answer::{Code, Named};
use app::thc::HistoryRecord;
use domain::Timestamp;
use domain::program::Product;
use domain::thc::{Channel, RecordStatus, RecordType};
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, Type};
use uuid::Uuid;

type Kind = Named<RecordType>;
type Standing = Named<RecordStatus>;
type Way = Named<Channel>;
type Area = Named<Product>;

/// What isn't known here: always null.
type Never = ();

/// A record of the transaction history. Amounts are in minor units.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HistoryRecord)]
pub(crate) struct RecordJson {
    /// Its number in the partner's history.
    id: i64,
    /// The transaction's id, or the partner's own; unique with `type`.
    client_transaction_id: String,
    /// What is held or has moved; what was asked for, where it was refused; 0 where it was
    /// reversed; negative for `REFUND` and `PAYMENT`.
    amount_minor: i64,
    /// The currency of all amounts but the original one.
    currency: Code,
    /// What it is about.
    r#type: Kind,
    /// Where it stands.
    status: Standing,
    /// When it was, by the network's clock.
    #[schema(format = DateTime)]
    timestamp: String,
    /// The merchant's line, or the caller's words.
    description: Option<String>,
    /// The partner's comment.
    comment: Option<String>,
    /// The user whose balance it is, or who holds the corporation's card.
    user_id: Option<i64>,
    /// The partner's own name for the user.
    user_external_id: Option<String>,
    /// The card, if there is one.
    card_id: Option<i64>,
    /// The partner's own name for the card.
    external_card_id: Option<String>,
    #[schema(schema_with = never)]
    device_id: Never,
    /// The partner's own name for the device.
    external_device_id: Option<String>,
    #[schema(schema_with = never)]
    payment_token_id: Never,
    /// The last four digits of the card's number.
    card_last_four_digits: Option<String>,
    /// The last four digits of the token's number.
    payment_token_last_four_digits: Option<String>,
    /// The first six digits of the card's number; null where its program has several BINs.
    card_bin: Option<String>,
    /// The user's phone, digits alone.
    user_phone: Option<String>,
    /// The user's e-mail address.
    user_email: Option<String>,
    /// The merchant's name, else its line; null for what isn't of the network.
    merchant_name: Option<String>,
    /// Where the merchant is.
    merchant_postal_code: Option<String>,
    /// The caller's or network's id; of what the network has reversed the reversal's.
    merchant_transaction_id: Option<String>,
    /// The acquirer's country.
    transaction_country_code: Option<String>,
    #[schema(schema_with = never)]
    combo_card_account_type: Never,
    /// Why it was refused, by a code that the partner wants to see.
    issuer_response_information: Option<String>,
    /// How the card was used.
    transaction_channel: Option<Way>,
    /// What the card's program is.
    area: Option<Area>,
    #[schema(schema_with = never)]
    iban_id: Never,
    #[schema(schema_with = never)]
    device_installation_id: Never,
    #[schema(schema_with = never)]
    employee_group_id: Never,
    #[schema(schema_with = never)]
    issuer_id: Never,
    /// The corporation whose balance it is.
    corporation_id: Option<Uuid>,
    /// Merchant category code.
    mcc: Option<String>,
    #[schema(schema_with = never)]
    mcc_category: Never,
    /// The balance, if there is one.
    balance_id: Option<Uuid>,
    /// The merchant's amount.
    original_amount_minor: Option<i64>,
    /// The merchant's currency.
    original_currency: Option<Code>,
    /// How much of the merchant's currency one unit of `currency` was; null without conversion.
    #[schema(value_type = Option<f64>)]
    exchange_rate: Option<Number>,
    /// What could be spent just after it was first processed.
    balance_minor_value_after_transaction: Option<i64>,
    /// What it cost; known of the partner's own records alone.
    commission_minor_value: Option<i64>,
    /// When it was cleared.
    #[schema(format = DateTime)]
    clearing_timestamp: Option<String>,
    #[schema(schema_with = never)]
    parent_id: Never,
    #[schema(schema_with = never)]
    ica: Never,
    /// Who is on the other side.
    contrahent: ContrahentJson,
    /// There are no attachments: `EMPTY`.
    #[schema(schema_with = empty)]
    attachment_status: &'static str,
    #[schema(schema_with = never)]
    incorrect_attachment_status_reason: Never,
    /// The partner's labels.
    labels: Vec<String>,
    #[schema(schema_with = never)]
    categories_info: Never,
    /// The wallet that the card was used by.
    wallet_reference: Option<String>,
    #[schema(schema_with = never)]
    balance_minor_value_before_transaction: Never,
    #[schema(schema_with = never)]
    interchange_minor_amount: Never,
    #[schema(schema_with = never)]
    interchange_currency: Never,
}

/// Who is on the other side of a transaction.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = Contrahent)]
pub(crate) struct ContrahentJson {
    /// The account.
    pub(super) iban: Option<String>,
    /// The bank.
    pub(super) bic: Option<String>,
    /// The name.
    pub(super) name: Option<String>,
}

impl From<&HistoryRecord> for RecordJson {
    fn from(record: &HistoryRecord) -> Self {
        let HistoryRecord { parties, merchant, notes, .. } = record.clone();
        Self {
            id: record.id,
            client_transaction_id: record.client_id.clone(),
            amount_minor: record.amount,
            currency: Code(record.currency),
            r#type: Named(record.kind),
            status: Named(record.status),
            timestamp: zulu(record.at),
            description: record.description.clone(),
            comment: notes.comment,
            user_id: parties.user.map(|id| id.0),
            user_external_id: parties.user_external_id,
            card_id: parties.card.map(|id| id.0),
            external_card_id: notes.card,
            device_id: (),
            external_device_id: notes.device,
            payment_token_id: (),
            card_last_four_digits: parties.last_four,
            payment_token_last_four_digits: parties.token_last_four,
            card_bin: parties.bin,
            user_phone: parties.phone,
            user_email: parties.email,
            merchant_name: merchant.name,
            merchant_postal_code: merchant.postal_code,
            merchant_transaction_id: merchant.transaction_id,
            transaction_country_code: merchant.country,
            combo_card_account_type: (),
            issuer_response_information: record.refusal.map(str::to_owned),
            transaction_channel: parties.channel.map(Named),
            area: parties.area.map(Named),
            iban_id: (),
            device_installation_id: (),
            employee_group_id: (),
            issuer_id: (),
            corporation_id: parties.corporation,
            mcc: merchant.mcc,
            mcc_category: (),
            balance_id: parties.balance.map(|id| id.0),
            original_amount_minor: record.original_amount,
            original_currency: record.original_currency.map(Code),
            exchange_rate: record.exchange_rate.as_deref().and_then(json_number),
            balance_minor_value_after_transaction: record.balance_after,
            commission_minor_value: record.commission,
            clearing_timestamp: record.cleared_at.map(zulu),
            parent_id: (),
            ica: (),
            contrahent: ContrahentJson {
                iban: merchant.iban,
                bic: merchant.bic,
                name: merchant.contrahent,
            },
            attachment_status: "EMPTY",
            incorrect_attachment_status_reason: (),
            labels: notes.labels,
            categories_info: (),
            wallet_reference: parties.wallet,
            balance_minor_value_before_transaction: (),
            interchange_minor_amount: (),
            interchange_currency: (),
        }
    }
}

/// To the second, as the seeds write it in the history: `2023-01-01T10:10:54Z`.
fn zulu(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A decimal text as a JSON number. Nothing is calculated; of more than the 15 digits that every
/// reader of JSON keeps, the nearest number that one can have is told.
fn json_number(decimal: &str) -> Option<Number> {
    match decimal.parse::<u64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => decimal.parse().ok().and_then(Number::from_f64),
    }
}

fn never() -> Object {
    Object::builder().schema_type(Type::Null).description(Some("Always null.")).build()
}

fn empty() -> Object {
    crate::wire::schema::words(["EMPTY"]).build()
}

#[cfg(test)]
mod tests;
