//! Pages of a list.

/// One page: its items, and where the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, K = i64> {
    /// At most as many as were asked for.
    pub items: Vec<T>,
    /// What the next page comes after, if there may be more: mostly the key of the last item.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// Makes a page of rows that were read one more than asked for.
    pub fn of(mut rows: Vec<T>, limit: i64, key: impl Fn(&T) -> K) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(key) } else { None };
        Self { items: rows, next }
    }
}
