//! Which class of a class-conditional network the images are of.

use crate::{
    error::{Error, Result},
    sampler::Classes,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// One class, or all in turn. In a recipe it is a number or `"all"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClassLabel {
    /// Every image is of this class, counted from 0.
    One(u32),
    /// Image i is of class i, and after the last class of the first again.
    All,
}

impl ClassLabel {
    /// The class of each image, for a network of so many classes.
    ///
    /// # Errors
    /// A class that the network does not have, or any at all where it has none.
    pub fn classes(label: Option<Self>, classes: Option<u32>) -> Result<Classes> {
        match (label, classes) {
            (None, None) => Ok(Classes::default()),
            (Some(_), None) => Err(Error::argument("class: the model is not class-conditional, expected no class for it")),
            (None | Some(Self::All), Some(count)) => Ok(Classes::Cycle(count)),
            (Some(Self::One(class)), Some(count)) if class < count => Ok(Classes::One(class)),
            (Some(Self::One(class)), Some(count)) => {
                let last = count.saturating_sub(1);
                Err(Error::argument(format!("class: expected a class from 0 to {last} of this model, or all, got {class}")))
            }
        }
    }
}

impl fmt::Display for ClassLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(class) => f.pad(&class.to_string()),
            Self::All => f.pad("all"),
        }
    }
}

impl FromStr for ClassLabel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = || text.parse().map(Self::One).ok();
        let label = if text == "all" { Some(Self::All) } else { number() };
        label.ok_or_else(|| Error::argument(format!("class: expected the number of a class, from 0, or all, got {text:?}")))
    }
}

impl Serialize for ClassLabel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(class) => serializer.serialize_u32(*class),
            Self::All => serializer.serialize_str("all"),
        }
    }
}

impl<'de> Deserialize<'de> for ClassLabel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value {
            Number(u32),
            Text(String),
        }
        match Value::deserialize(deserializer)? {
            Value::Number(class) => Ok(Self::One(class)),
            Value::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ClassLabel, Classes};

    #[test]
    fn a_label_is_a_number_or_all_in_text_and_in_json() {
        for (text, json, label) in [("7", "7", ClassLabel::One(7)), ("all", "\"all\"", ClassLabel::All)] {
            assert_eq!((text.parse::<ClassLabel>().expect("read"), label.to_string()), (label, text.to_owned()));
            assert_eq!(serde_json::to_string(&label).expect("written"), json);
            assert_eq!(serde_json::from_str::<ClassLabel>(json).expect("read"), label);
        }
        for wrong in ["", "-1", "1.5", "every", "4294967296"] {
            assert!(wrong.parse::<ClassLabel>().is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<ClassLabel>("-1").is_err());
    }

    #[test]
    fn a_class_must_be_one_of_the_model() {
        assert_eq!(ClassLabel::classes(Some(ClassLabel::One(9)), Some(10)).expect("there"), Classes::One(9));
        assert_eq!(ClassLabel::classes(None, Some(10)).expect("all in turn"), Classes::Cycle(10));
        assert!(ClassLabel::classes(Some(ClassLabel::One(10)), Some(10)).is_err());
        assert!(ClassLabel::classes(Some(ClassLabel::All), None).is_err());
        assert_eq!([0, 9, 10, 25].map(|image| Classes::Cycle(10).of(image)), [0, 9, 0, 5]);
    }
}
