//! What goes into a statement and comes out of a row.

use domain::ids::{
    AdminId, BalanceId, CardId, CorporationId, HitId, InstallationId, MessageId, OperationId,
    OrderId, OwnerId, PartnerId, ProcessorId, TransactionId, UserId, VerificationId,
};
use domain::money::{Amount, Currency};
use jiff::{Timestamp, civil::Date};
use std::fmt;
use uuid::Uuid;

/// One value of a parameter or a column.
#[derive(Clone, PartialEq, PartialOrd)]
pub enum Value {
    /// No value.
    Null,
    /// True or false; read from SQLite as [`Value::Int`] 0 or 1.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A UUID; read from SQLite as 16 bytes.
    Uuid(Uuid),
    /// A moment, stored in microseconds, anything finer is cut off; read from SQLite as
    /// [`Value::Int`], microseconds since 1970.
    Time(Timestamp),
    /// A JSON document; read from SQLite as [`Value::Text`]. PostgreSQL doesn't keep its spelling.
    Json(String),
    /// Many numbers, for `= any($1)`; never read.
    Ints(Vec<i64>),
    /// Many UUIDs, for `= any($1)`; never read.
    Uuids(Vec<Uuid>),
    /// Many texts, for `= any($1)`; never read.
    Texts(Vec<String>),
}

/// Prints the type only: values are personal data, and drivers log parameters.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Bool(_) => "Bool",
            Self::Int(_) => "Int",
            Self::Text(_) => "Text",
            Self::Bytes(_) => "Bytes",
            Self::Uuid(_) => "Uuid",
            Self::Time(_) => "Time",
            Self::Json(_) => "Json",
            Self::Ints(_) => "Ints",
            Self::Uuids(_) => "Uuids",
            Self::Texts(_) => "Texts",
        })
    }
}

/// The type of a column of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `boolean`; SQLite: integer 0 or 1.
    Bool,
    /// `bigint`; SQLite: integer.
    Int,
    /// `text`.
    Text,
    /// `bytea`; SQLite: blob.
    Bytes,
    /// `uuid`; SQLite: blob of 16 bytes.
    Uuid,
    /// `timestamptz`; SQLite: integer, microseconds since 1970.
    Time,
    /// `jsonb`; SQLite: text.
    Json,
}

/// Can be a parameter.
pub trait ToValue: Sync {
    /// The value to be stored.
    fn to_value(&self) -> Value;
}

/// Can be read from a column.
pub trait FromValue: Sized {
    /// Takes the value of a column; none if it is of another type or out of range.
    fn from_value(value: &Value) -> Option<Self>;
}

/// Implements [`ToValue`] for types by one expression.
macro_rules! to_value {
    ($($type:ty: |$value:ident| $expression:expr;)*) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Value {
                let $value = self;
                $expression
            }
        }
    )*};
}

/// Implements [`FromValue`] for types by what each accepts.
macro_rules! from_value {
    ($($type:ty: $($pattern:pat => $expression:expr),+;)*) => {$(
        impl FromValue for $type {
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    $($pattern => $expression,)+
                    _ => None,
                }
            }
        }
    )*};
}

to_value! {
    bool: |it| Value::Bool(*it);
    i64: |it| Value::Int(*it);
    i32: |it| Value::Int((*it).into());
    u32: |it| Value::Int((*it).into());
    str: |it| Value::Text(it.to_owned());
    String: |it| Value::Text(it.clone());
    [u8]: |it| Value::Bytes(it.to_vec());
    Vec<u8>: |it| Value::Bytes(it.clone());
    [u8; 32]: |it| Value::Bytes(it.to_vec());
    Uuid: |it| Value::Uuid(*it);
    Timestamp: |it| Value::Time(*it);
    Date: |it| Value::Text(it.to_string());
    serde_json::Value: |it| Value::Json(it.to_string());
    PartnerId: |it| Value::Int(it.0);
    UserId: |it| Value::Int(it.0);
    CorporationId: |it| Value::Int(it.0);
    OwnerId: |it| Value::Int(it.0);
    CardId: |it| Value::Int(it.0);
    ProcessorId: |it| Value::Int(it.0);
    BalanceId: |it| Value::Uuid(it.0);
    TransactionId: |it| Value::Uuid(it.0);
    MessageId: |it| Value::Uuid(it.0);
    VerificationId: |it| Value::Uuid(it.0);
    HitId: |it| Value::Uuid(it.0);
    OperationId: |it| Value::Uuid(it.0);
    OrderId: |it| Value::Uuid(it.0);
    AdminId: |it| Value::Uuid(it.0);
    InstallationId: |it| Value::Uuid(it.0);
    Currency: |it| Value::Text(it.code().to_owned());
    Amount: |it| Value::Int(it.minor());
    Vec<i64>: |it| Value::Ints(it.clone());
    Vec<Uuid>: |it| Value::Uuids(it.clone());
    Vec<String>: |it| Value::Texts(it.clone());
    Value: |it| it.clone();
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

from_value! {
    bool: Value::Bool(it) => Some(*it), Value::Int(0) => Some(false), Value::Int(1) => Some(true);
    i64: Value::Int(it) => Some(*it);
    i32: Value::Int(it) => i32::try_from(*it).ok();
    u32: Value::Int(it) => u32::try_from(*it).ok();
    String: Value::Text(it) => Some(it.clone());
    Vec<u8>: Value::Bytes(it) => Some(it.clone());
    [u8; 32]: Value::Bytes(it) => it.as_slice().try_into().ok();
    Uuid: Value::Uuid(it) => Some(*it), Value::Bytes(it) => Uuid::from_slice(it).ok();
    Timestamp: Value::Time(it) => Some(*it), Value::Int(it) => Self::from_microsecond(*it).ok();
    Date: Value::Text(it) => it.parse().ok();
    serde_json::Value: Value::Json(it) | Value::Text(it) => serde_json::from_str(it).ok();
    PartnerId: Value::Int(it) => Some(Self(*it));
    UserId: Value::Int(it) => Some(Self(*it));
    CorporationId: Value::Int(it) => Some(Self(*it));
    OwnerId: Value::Int(it) => Some(Self(*it));
    CardId: Value::Int(it) => Some(Self(*it));
    ProcessorId: Value::Int(it) => Some(Self(*it));
    Currency: Value::Text(it) => Self::parse(it).ok();
    Amount: Value::Int(it) => Self::from_minor(*it).ok();
}

/// A JSON document in the database's spelling, whatever it is worth.
pub(crate) struct JsonText(pub(crate) String);

/// A moment in microseconds since 1970, also one that no clock of ours can tell.
pub(crate) struct Microseconds(pub(crate) i64);

from_value! {
    JsonText: Value::Json(it) | Value::Text(it) => Some(Self(it.clone()));
    Microseconds:
        Value::Time(it) => Some(Self(it.as_microsecond())),
        Value::Int(it) => Some(Self(*it));
}

/// Implements [`FromValue`] for the ids around a UUID.
macro_rules! from_uuid {
    ($($type:ty)*) => {$(
        impl FromValue for $type {
            fn from_value(value: &Value) -> Option<Self> {
                Uuid::from_value(value).map(Self)
            }
        }
    )*};
}

from_uuid! {
    BalanceId TransactionId MessageId VerificationId OperationId OrderId InstallationId AdminId
    HitId
}

/// As the database gave it, to be given back as a parameter.
impl FromValue for Value {
    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        if *value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}
