//! Counters in few bytes: a row of them is written for each authorization.
//!
//! A version, then for each currency: its code, the day, the sum of the budget, which of the other
//! sums aren't nothing (one bit each), and those; then whether there are sums put aside, and their
//! day, bits and sums. Numbers are variable: seven bits a byte, the least first, the sign in the
//! lowest bit. In version 1 nothing was put aside.

use super::{Periods, Sum, Sums, TYPES, UNITS};
use crate::money::Currency;
use jiff::civil::Date;

const VERSION: u8 = 2;

pub(super) fn write(all: &[Periods]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for periods in all {
        bytes.extend(periods.currency.code().as_bytes());
        put_day(&mut bytes, periods.now.as_of);
        put_sum(&mut bytes, periods.budget);
        put_sums(&mut bytes, &periods.now);
        bytes.push(u8::from(periods.aside.is_some()));
        if let Some(aside) = &periods.aside {
            put_day(&mut bytes, aside.as_of);
            put_sums(&mut bytes, aside);
        }
    }
    bytes
}

pub(super) fn read(bytes: &[u8]) -> Option<Vec<Periods>> {
    let Some((&version, mut rest)) = bytes.split_first() else { return Some(Vec::new()) };
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (code, after) = rest.split_at_checked(3)?;
        rest = after;
        let currency = Currency::parse(std::str::from_utf8(code).ok()?).ok()?;
        let as_of = take_day(&mut rest)?;
        let budget = take_sum(&mut rest)?;
        let now = take_sums(&mut rest, as_of)?;
        let aside = if version == VERSION && take_byte(&mut rest)? != 0 {
            let as_of = take_day(&mut rest)?;
            Some(take_sums(&mut rest, as_of)?)
        } else {
            None
        };
        all.push(Periods { currency, now, aside, budget });
    }
    (1..=VERSION).contains(&version).then_some(all)
}

fn put_day(bytes: &mut Vec<u8>, day: Date) {
    put(bytes, day.year().into());
    bytes.extend([day.month().cast_unsigned(), day.day().cast_unsigned()]);
}

fn take_day(bytes: &mut &[u8]) -> Option<Date> {
    let year = take(bytes)?.try_into().ok()?;
    let (month, day) = (take_byte(bytes)?, take_byte(bytes)?);
    Date::new(year, month.cast_signed(), day.cast_signed()).ok()
}

fn put_sums(bytes: &mut Vec<u8>, sums: &Sums) {
    let which = sums.of.iter().flatten().enumerate();
    let which = which.filter(|(_, sum)| **sum != Sum::default());
    put(bytes, which.clone().map(|(bit, _)| 1i128 << bit).sum());
    which.for_each(|(_, sum)| put_sum(bytes, *sum));
}

fn take_sums(bytes: &mut &[u8], as_of: Date) -> Option<Sums> {
    let which = take(bytes)?;
    let mut of = [[Sum::default(); UNITS]; TYPES];
    for (bit, sum) in of.iter_mut().flatten().enumerate() {
        if which & (1 << bit) != 0 {
            *sum = take_sum(bytes)?;
        }
    }
    Some(Sums { as_of, of })
}

fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (&byte, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(byte)
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
        let byte = take_byte(bytes)?;
        found |= u128::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((found >> 1).cast_signed() ^ -((found & 1).cast_signed()));
        }
    }
    None
}
