//! How the two schemes write the answer that an action code stands for.

/// The two characters that a scheme's own messages carry (field 39 of ISO 8583:1987).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseCodes {
    /// Mastercard's.
    pub mastercard: &'static str,
    /// Visa's.
    pub visa: &'static str,
}

/// Action code, Mastercard, Visa. The source is the table of the public processor API that speaks
/// these action codes; 1020, 1035 and 9113 are in it and answered by nothing here yet. Of a locked
/// card the action code is by its reason ([`LockReason::action_code`]), and these follow from it.
///
/// [`LockReason::action_code`]: crate::card::lifecycle::LockReason::action_code
const TABLE: &[(&str, &str, &str)] = &[
    ("0000", "00", "00"), // approved
    ("0002", "10", "10"), // approved in part
    ("1000", "05", "05"), // do not honour
    ("1001", "54", "54"), // expired card
    ("1002", "57", "59"), // suspected fraud
    ("1004", "62", "62"), // restricted card
    ("1006", "75", "75"), // too many wrong PINs
    ("1010", "13", "13"), // invalid amount
    ("1011", "14", "14"), // invalid card
    ("1015", "12", "12"), // not supported
    ("1016", "51", "51"), // not enough money
    ("1017", "55", "55"), // wrong PIN
    ("1018", "14", "14"), // no record of the card
    ("1019", "57", "57"), // not permitted to the cardholder
    ("1020", "58", "58"), // not permitted to the terminal
    ("1021", "61", "61"), // more than may be spent
    ("1022", "63", "63"), // wrong verification code
    ("1035", "78", "46"), // closed account
    ("2008", "41", "41"), // lost card
    ("2009", "43", "43"), // stolen card
    ("9111", "82", "91"), // the issuer didn't answer in time
    ("9113", "94", "12"), // delivered before
];

/// The response codes of an action code; `None` for what isn't one of ours.
#[must_use]
pub fn response_codes(action_code: &str) -> Option<ResponseCodes> {
    let row = TABLE.iter().find(|(code, ..)| *code == action_code);
    row.map(|&(_, mastercard, visa)| ResponseCodes { mastercard, visa })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::lifecycle::LockReason;
    use crate::transaction::{APPROVED_IN_PART, Description, action_code};

    fn told(action_code: &str) -> String {
        let codes = response_codes(action_code).expect("a code of ours");
        format!("{action_code} {} {}", codes.mastercard, codes.visa)
    }

    #[test]
    fn every_reason_has_an_action_code_and_a_response_code_of_both_schemes() {
        for &description in Description::ALL {
            let expected = match description.as_str() {
                "APPROVED" => "0000 00 00",
                "CARD_EXPIRED" => "1001 54 54",
                "AML_EXCEPTION" | "FRAUDS_DETECTED" => "1002 57 59",
                "CARD_NOT_ACTIVE" | "BALANCE_LOCKED" | "CUSTOMER_LOCKED" => "1004 62 62",
                "PIN_TRIES_EXCEEDED" => "1006 75 75",
                "INCORRECT_PIN" => "1017 55 55",
                "INVALID_AMOUNT" => "1010 13 13",
                "CARD_NOT_FOUND" => "1011 14 14",
                "UNKNOWN_TRANSACTION_TYPE" => "1015 12 12",
                "INSUFFICIENT_FUNDS" => "1016 51 51",
                "TRANSACTION_NOT_PERMITTED" => "1019 57 57",
                "EXCEEDS_AMOUNT_LIMIT" | "LIMIT_EXCEED" | "LIMITS_EXCEEDED" | "BUDGET_EXCEEDED" => {
                    "1021 61 61"
                }
                "PARTNER_TIMEOUT" => "9111 82 91",
                "INCORRECT_CVV" => "1022 63 63",
                _ => "1000 05 05",
            };
            assert_eq!(told(action_code(description, None)), expected, "{description}");
        }
        assert_eq!(told(APPROVED_IN_PART), "0002 10 10");
    }

    #[test]
    fn a_lock_answers_with_the_codes_of_its_reason() {
        for &reason in LockReason::ALL {
            let expected = match reason.as_str() {
                "CARD_LOST" => "2008 41 41",
                "CARD_STOLEN" => "2009 43 43",
                "PENDING_QUERY" => "1000 05 05",
                "CARD_CONSOLIDATION" => "1016 51 51",
                "CARD_INACTIVE" => "1018 14 14",
                "PIN_TRIES_EXCEEDED" | "OFFLINE_PIN_ATTEMPTS_EXCEEDED" => "1006 75 75",
                "SUSPECTED_FRAUD" => "1002 57 59",
                "CARD_REPLACED" => "1011 14 14",
                other => panic!("{other} is new"),
            };
            assert_eq!(told(action_code(Description::CardLocked, Some(reason))), expected);
        }
    }

    #[test]
    fn the_table_is_the_schemes_own() {
        let table: Vec<String> = TABLE.iter().map(|(code, ..)| told(code)).collect();
        let expected = "0000 00 00, 0002 10 10, 1000 05 05, 1001 54 54, 1002 57 59, 1004 62 62, \
                        1006 75 75, 1010 13 13, 1011 14 14, 1015 12 12, 1016 51 51, 1017 55 55, \
                        1018 14 14, 1019 57 57, 1020 58 58, 1021 61 61, 1022 63 63, 1035 78 46, \
                        2008 41 41, 2009 43 43, 9111 82 91, 9113 94 12";
        assert_eq!(table.join(", "), expected);
        for other in ["", "0001", "4000", "00", "51"] {
            assert_eq!(response_codes(other), None, "{other}");
        }
    }
}
