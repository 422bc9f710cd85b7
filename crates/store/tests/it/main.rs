//! What holds of the schema as a whole.

mod personal_data;
