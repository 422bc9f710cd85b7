//! Enumerations that have a name on the wire and in the database.

/// An enum whose values each have one word on the wire and in the database.
pub trait Word: Copy + 'static {
    /// What the enum is called.
    const NAME: &'static str;
    /// Every value, in the order of its definition.
    const ALL: &'static [Self];

    /// The word of a value.
    #[must_use]
    fn word(self) -> &'static str;

    /// The value that a word names; `None` for any other text.
    #[must_use]
    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

/// Defines an enum whose values each have one word, and both directions between them.
macro_rules! words {
    (
        $(#[$doc:meta])*
        pub enum $name:ident { $($(#[$value_doc:meta])* $value:ident = $word:literal,)+ }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$value_doc])* $value,)+ }

        impl $name {
            /// Every value, in the order of its definition.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The word on the wire and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word,)+ }
            }

            /// The value that a word names; `None` for any other text.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                <Self as $crate::words::Word>::of_word(word)
            }
        }

        impl $crate::words::Word for $name {
            const NAME: &'static str = stringify!($name);
            const ALL: &'static [Self] = Self::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;
