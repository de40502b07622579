//! A picture that the user gave, as recipes hold it.

pub use crate::recipe::GivenPicture;
