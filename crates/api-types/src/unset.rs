//! What counts as left out: an empty string, or a reference or source without a name, is what a Helm template renders
//! for a value that is not set. Used by the types here only.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde::{Deserialize, Deserializer};

use crate::{LocalRef, TemplateRef};

/// A value that may be written and yet be empty.
pub(crate) trait Blank {
    fn is_blank(&self) -> bool;
}

impl Blank for String {
    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}

impl Blank for Quantity {
    fn is_blank(&self) -> bool {
        self.0.is_empty()
    }
}

impl Blank for LocalRef {
    fn is_blank(&self) -> bool {
        self.name.is_empty()
    }
}

impl Blank for TemplateRef {
    fn is_blank(&self) -> bool {
        self.name.is_empty()
    }
}

/// Of an optional field.
pub(crate) fn blank_is_unset<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Blank,
{
    Ok(Option::<T>::deserialize(deserializer)?.filter(|value| !value.is_blank()))
}

/// Of a list: blank entries are dropped.
pub(crate) fn without_blanks<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Blank,
{
    let mut list = Option::<Vec<T>>::deserialize(deserializer)?;
    if let Some(list) = &mut list {
        list.retain(|value| !value.is_blank());
    }
    Ok(list)
}
