//! A map that forgets what it was given first when it has become too large.

use std::collections::{HashMap, VecDeque};

/// Values by their names, so many at most.
#[derive(Debug)]
pub(super) struct Recent<V> {
    values: HashMap<String, V>,
    /// The names, oldest first.
    order: VecDeque<String>,
    max: usize,
}

impl<V> Recent<V> {
    pub(super) fn new(max: usize) -> Self {
        Self { values: HashMap::new(), order: VecDeque::new(), max }
    }

    pub(super) fn get(&self, name: &str) -> Option<&V> {
        self.values.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.values.get_mut(name)
    }

    /// Puts a value in; one of the same name goes, and the new one is as old as that.
    pub(super) fn insert(&mut self, name: &str, value: V) {
        if self.values.insert(name.to_owned(), value).is_some() {
            return;
        }
        self.order.push_back(name.to_owned());
        if self.order.len() > self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.values.remove(&oldest);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first() {
        let mut recent = Recent::new(2);
        for (name, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            recent.insert(name, value);
        }
        assert_eq!([recent.get("a"), recent.get("b"), recent.get("c")], [None, Some(&2), Some(&4)]);
        assert_eq!((recent.values.len(), recent.order.len()), (2, 2));
    }
}
