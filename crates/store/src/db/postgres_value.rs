//! Values as PostgreSQL sends and takes them.

use super::value::Value;
use crate::error::Cause;
use bytes::BytesMut;
use jiff::Timestamp;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

/// 2000-01-01, from which PostgreSQL counts, in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

/// The first byte of a `jsonb`: the version of its format.
const JSONB: u8 = 1;

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Cause> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Bool(it) => checked(it, kind, out),
            Self::Int(it) if *kind == Type::INT4 => i32::try_from(*it)?.to_sql(kind, out),
            Self::Int(it) if *kind == Type::INT2 => i16::try_from(*it)?.to_sql(kind, out),
            Self::Int(it) => checked(it, kind, out),
            Self::Text(it) => checked(it, kind, out),
            Self::Bytes(it) => checked(it, kind, out),
            Self::Uuid(it) => checked(it, kind, out),
            Self::Time(it) if *kind == Type::TIMESTAMPTZ => {
                (it.as_microsecond() - EPOCH).to_sql(&Type::INT8, out)
            }
            Self::Json(it) if *kind == Type::JSONB => {
                out.extend_from_slice(&[JSONB]);
                it.to_sql(&Type::TEXT, out)
            }
            Self::Time(_) | Self::Json(_) => Err(wrong_type(kind)),
            Self::Ints(all) => checked(all, kind, out),
            Self::Uuids(all) => checked(all, kind, out),
            Self::Texts(all) => checked(all, kind, out),
        }
    }

    /// Only the value tells, so `to_sql` does.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn checked<T: ToSql>(it: &T, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Cause> {
    if T::accepts(kind) { it.to_sql(kind, out) } else { Err(wrong_type(kind)) }
}

fn wrong_type(kind: &Type) -> Cause {
    format!("a parameter of type {kind} got a value of another type").into()
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Cause> {
        Ok(match *kind {
            Type::BOOL => Self::Bool(bool::from_sql(kind, raw)?),
            Type::INT8 => Self::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => Self::Int(i16::from_sql(kind, raw)?.into()),
            Type::BYTEA => Self::Bytes(raw.to_vec()),
            Type::UUID => Self::Uuid(Uuid::from_sql(kind, raw)?),
            Type::TIMESTAMPTZ => {
                let since_1970 = i64::from_sql(&Type::INT8, raw)?.checked_add(EPOCH);
                Self::Time(Timestamp::from_microsecond(since_1970.ok_or("infinity")?)?)
            }
            Type::JSONB => match raw.split_first() {
                Some((&JSONB, text)) => Self::Json(str::from_utf8(text)?.to_owned()),
                _ => return Err("a jsonb of an unknown version".into()),
            },
            _ => Self::Text(String::from_sql(kind, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Cause> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        let others = [
            Type::BOOL,
            Type::INT8,
            Type::INT4,
            Type::INT2,
            Type::BYTEA,
            Type::UUID,
            Type::TIMESTAMPTZ,
            Type::JSONB,
        ];
        others.contains(kind) || <String as FromSql>::accepts(kind)
    }
}
