//! Counters in few bytes: a row of them is written for each authorization.
//!
//! A version, then for each currency: its code, the day, the sum of the budget, which of the other
//! sums aren't nothing (one bit each), and those. Numbers are variable: seven bits a byte, the
//! least first, the sign in the lowest bit.

use super::{Periods, Sum, TYPES, UNITS};
use crate::money::Currency;
use jiff::civil::Date;

const VERSION: u8 = 1;

pub(super) fn write(all: &[Periods]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for periods in all {
        let day = periods.as_of;
        let which = periods.sums.iter().flatten().enumerate();
        let which = which.filter(|(_, sum)| **sum != Sum::default());
        bytes.extend(periods.currency.code().as_bytes());
        put(&mut bytes, day.year().into());
        bytes.extend([day.month().cast_unsigned(), day.day().cast_unsigned()]);
        put_sum(&mut bytes, periods.budget);
        put(&mut bytes, which.clone().map(|(bit, _)| 1i128 << bit).sum());
        which.for_each(|(_, sum)| put_sum(&mut bytes, *sum));
    }
    bytes
}

pub(super) fn read(bytes: &[u8]) -> Option<Vec<Periods>> {
    let Some((&VERSION, mut rest)) = bytes.split_first() else {
        return bytes.is_empty().then(Vec::new);
    };
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (code, after) = rest.split_at_checked(3)?;
        rest = after;
        let currency = Currency::parse(std::str::from_utf8(code).ok()?).ok()?;
        let year = take(&mut rest)?.try_into().ok()?;
        let (&[month, day], after) = rest.split_first_chunk()?;
        rest = after;
        let as_of = Date::new(year, month.cast_signed(), day.cast_signed()).ok()?;
        let budget = take_sum(&mut rest)?;
        let which = take(&mut rest)?;
        let mut sums = [[Sum::default(); UNITS]; TYPES];
        for (bit, sum) in sums.iter_mut().flatten().enumerate() {
            if which & (1 << bit) != 0 {
                *sum = take_sum(&mut rest)?;
            }
        }
        all.push(Periods { currency, as_of, sums, budget });
    }
    Some(all)
}

fn put_sum(bytes: &mut Vec<u8>, sum: Sum) {
    put(bytes, sum.amount);
    put(bytes, sum.count.into());
}

fn take_sum(bytes: &mut &[u8]) -> Option<Sum> {
    Some(Sum { amount: take(bytes)?, count: take(bytes)?.try_into().ok()? })
}

fn put(bytes: &mut Vec<u8>, number: i128) {
    let mut rest = ((number << 1) ^ (number >> 127)).cast_unsigned();
    loop {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn take(bytes: &mut &[u8]) -> Option<i128> {
    let mut found: u128 = 0;
    for shift in (0..u128::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        found |= u128::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((found >> 1).cast_signed() ^ -((found & 1).cast_signed()));
        }
    }
    None
}
