//! Identifiers. Each entity has its own type, so that one cannot be passed for another.

use std::fmt;
use uuid::Uuid;

/// Defines an identifier around a number.
macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0)
            }
        }
    };
}

/// Defines an identifier around a UUID.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0)
            }
        }
    };
}

number_id! {
    /// A partner: the tenant that everything else belongs to. Never seen on the wire, where a
    /// partner is its `Issuer-Code`. 0 is the platform itself.
    PartnerId, "partner"
}
number_id! {
    /// A user, the cardholder; `customerId`, `dcUserId` and `userId` on the wire.
    UserId, "user"
}
number_id! {
    /// A corporation's number, never seen on the wire; of the same series as those of users.
    CorporationId, "corporation"
}
number_id! {
    /// A user or a corporation, where either may stand.
    OwnerId, "owner"
}
number_id! {
    /// A card; `id`, `cardId` and `dcCardId` on the wire. Unique across partners.
    CardId, "card"
}
number_id! {
    /// An issuing processor.
    ProcessorId, "processor"
}
uuid_id! {
    /// A balance; `balanceId` on the wire, a UUIDv4.
    BalanceId, "balance"
}
uuid_id! {
    /// A transaction; looks like a UUIDv4 and is ordered by time (see [`ordered_v4`]).
    TransactionId, "transaction"
}
uuid_id! {
    /// What was decided about one message from outside; never seen on the wire.
    MessageId, "message"
}
uuid_id! {
    /// One KYC form; `verificationId` on the wire.
    VerificationId, "verification"
}
uuid_id! {
    /// Somebody of a list who somebody else may be; known to the operator alone.
    HitId, "hit"
}
uuid_id! {
    /// Something that was ordered and is done afterwards; `operationId` on the wire, a UUIDv4.
    OperationId, "operation"
}

uuid_id! {
    /// Plastic that was ordered; `orderId` on the wire, a UUIDv4.
    OrderId, "order"
}
uuid_id! {
    /// A user's app on a device; `installationId` on the wire, a UUIDv4.
    InstallationId, "installation"
}
uuid_id! {
    /// A panel account; never seen on the wire.
    AdminId, "admin"
}

impl From<UserId> for OwnerId {
    fn from(user: UserId) -> Self {
        Self(user.0)
    }
}

impl From<CorporationId> for OwnerId {
    fn from(corporation: CorporationId) -> Self {
        Self(corporation.0)
    }
}

impl PartnerId {
    /// The platform: owner of what belongs to no partner, such as messages for unknown cards.
    pub const PLATFORM: Self = Self(0);
}

/// Makes a UUID that looks like version 4 and sorts by time: 48 bits of milliseconds since 1970,
/// then version and variant, then 74 bits of `random`.
///
/// Ids made under load are inserted at one end of their index; random ones cost half the speed.
#[must_use]
pub fn ordered_v4(milliseconds: u64, random: u128) -> Uuid {
    let time = u128::from(milliseconds & 0xFFFF_FFFF_FFFF) << 80;
    uuid::Builder::from_u128(time | (random & ((1 << 80) - 1)))
        .with_version(uuid::Version::Random)
        .with_variant(uuid::Variant::RFC4122)
        .into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordered_id_looks_like_version_4_and_sorts_by_time() {
        let earlier = ordered_v4(1_700_000_000_000, u128::MAX);
        let later = ordered_v4(1_700_000_000_001, 0);
        assert!(earlier < later);
        assert_eq!(earlier.get_version_num(), 4);
        assert_eq!(earlier.get_variant(), uuid::Variant::RFC4122);
    }
}
