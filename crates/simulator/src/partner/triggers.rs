//! Amounts that a partner of the sandbox answers otherwise than its books say, so that each answer
//! can be tried. They count for `debit` and `credit` alone, exactly as they stand; where the books
//! refuse anyway, they do so. The first three digits are a status of HTTP, which is easily
//! remembered and rarely paid by chance.

use super::books::{By, Reply};
use std::time::Duration;

/// Longer than anybody waits.
const TOO_LATE: Duration = Duration::from_secs(10);

/// What is answered to a question of this amount, in minor units. From status 400 on nothing is
/// booked.
///
/// | amount | answer |
/// | --- | --- |
/// | 404.01 | 404 `BALANCE_NOT_FOUND` |
/// | 409.01 | 409 `CLIENT_ERROR`, to a debit |
/// | 422.01 | 422 `INSUFFICIENT_FUNDS`, to a debit |
/// | 422.02 | 422 `LIMITS_EXCEEDED`, to a debit |
/// | 422.03 | 422 `FRAUDS_DETECTED` |
/// | 503.01 | 503, and nothing is booked |
/// | 504.01 | 204 after ten seconds, too late, and it is booked |
pub(super) fn trigger(by: By, amount: i64) -> Option<Reply> {
    let refused = |status, title| {
        Some(Reply::refused(status, title, "The amount is one that is refused on purpose."))
    };
    match (amount, by) {
        (40401, _) => refused(404, "BALANCE_NOT_FOUND"),
        (40901, By::Debit) => refused(409, "CLIENT_ERROR"),
        (42201, By::Debit) => refused(422, "INSUFFICIENT_FUNDS"),
        (42202, By::Debit) => refused(422, "LIMITS_EXCEEDED"),
        (42203, _) => refused(422, "FRAUDS_DETECTED"),
        (50301, _) => refused(503, "UNAVAILABLE"),
        (50401, _) => Some(Reply { after: TOO_LATE, ..Reply::done() }),
        _ => None,
    }
}
