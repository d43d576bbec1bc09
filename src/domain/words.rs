//! A macro for enums whose values have a fixed spelling in the database, in files and on the command line.

/// The error for a text that is not the spelling of a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a value of {of}")]
pub struct UnknownWord {
    pub word: String,
    pub of: &'static str,
}

/// Declares an enum with the spelling of each value.
macro_rules! words {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$value_doc:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$value_doc])* $value,)+
        }

        impl $name {
            /// All values, in the order of the declaration.
            pub const ALL: &[$name] = &[$($name::$value,)+];

            /// The spelling of this value.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$value => $word,)+
                }
            }

            /// Parses an exact spelling.
            #[must_use]
            pub fn parse(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::domain::words::UnknownWord;

            fn try_from(word: String) -> Result<Self, Self::Error> {
                $name::parse(&word).ok_or($crate::domain::words::UnknownWord {
                    word,
                    of: stringify!($name),
                })
            }
        }
    };
}
pub(crate) use words;
