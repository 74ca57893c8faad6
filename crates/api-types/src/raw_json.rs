//! JSON that is kept as its text. A program that only passes it on is stopped by no depth of it:
//! the text is skipped without recursion, and parsed by whoever uses it.

use std::str::FromStr;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// Any JSON value, as it was written. Two are the same if their texts are. It is read from
/// `serde_json` only.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Reads the value. Fails on one that is nested more than 127 levels deep.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for RawJson {}

impl FromStr for RawJson {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text.to_owned()).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Agent;

    fn nested(depth: usize) -> String {
        format!("{}1{}", r#"{"a":["#.repeat(depth / 2), "]}".repeat(depth / 2))
    }

    #[test]
    fn no_depth_stops_what_is_only_kept() {
        for depth in [126, 128, 10_000, 1_000_000] {
            let text = nested(depth);
            let agent = format!(
                r#"{{"metadata":{{}},"spec":{{"config":{text},"plugins":[{{"name":"p","options":{text}}}]}}}}"#
            );
            let spec = serde_json::from_str::<Agent>(&agent).unwrap().spec;
            let (config, options) = (spec.config.unwrap(), spec.plugins.unwrap().remove(0).options);
            assert_eq!(Some(&config), options.as_ref());
            assert_eq!(serde_json::to_string(&config).unwrap(), text);
            assert_eq!(config.parse::<Value>().is_ok(), depth < 128, "{depth}");
        }
    }

    #[test]
    fn a_value_in_memory_becomes_its_text() {
        let raw: RawJson = serde_json::from_value(json!({ "b": 1, "a": [null] })).unwrap();
        assert_eq!(raw, r#"{"a":[null],"b":1}"#.parse().unwrap());
        assert_eq!(serde_json::to_value(&raw).unwrap(), json!({ "a": [null], "b": 1 }));
    }
}
