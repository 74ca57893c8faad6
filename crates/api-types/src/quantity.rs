//! Kubernetes' quantities, such as `500m` and `4Gi`: those that a manifest wrote as numbers, and
//! those that must not reach the API server's own arithmetic.

mod visit;

use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::Value;

pub use visit::visit;

/// The longest quantity, in bytes.
pub(crate) const LONGEST: usize = 32;

/// Whether `text` is a quantity that the API server reads in no time, however large it is: it
/// computes one of `1e999999999` digit by digit. The definitions admit no other, but what is
/// stored may be older than they are.
pub fn is_bounded(text: &str) -> bool {
    let unsigned = text.strip_prefix(SIGNS).unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let is_number = number.contains(|c: char| c != '.') && number.matches('.').count() <= 1;
    text.len() <= LONGEST && is_number && is_suffix(suffix)
}

const SIGNS: [char; 2] = ['+', '-'];

fn is_suffix(suffix: &str) -> bool {
    let power = suffix.strip_suffix('i').unwrap_or(suffix);
    match power {
        "" => suffix.is_empty(),
        "K" => suffix == "Ki",
        "n" | "u" | "m" | "k" => suffix == power,
        "M" | "G" | "T" | "P" | "E" => true,
        _ => suffix.strip_prefix(['e', 'E']).is_some_and(|exponent| {
            let digits = exponent.strip_prefix(SIGNS).unwrap_or(exponent);
            matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit())
        }),
    }
}

/// Deserializes any `T` made of Kubernetes' pod types. The API server stores numbers as they came,
/// the generated types read strings only, and one such object would break every typed watch.
pub(crate) fn numbers_allowed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let mut value = Value::deserialize(deserializer)?;
    spell_out(&mut value);
    // The path continues the one of the field itself, for whoever reports it.
    serde_path_to_error::deserialize(value).map_err(D::Error::custom)
}

/// The fields of a pod that hold a quantity, or a map of them.
fn spell_out(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(spell_out),
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), &mut *field) {
                    ("limits" | "requests", Value::Object(quantities)) => {
                        quantities.values_mut().for_each(number_to_text);
                    }
                    ("sizeLimit" | "divisor", Value::Number(_)) => number_to_text(field),
                    _ => spell_out(field),
                }
            }
        }
        _ => {}
    }
}

fn number_to_text(value: &mut Value) {
    if let Value::Number(number) = value {
        *value = Value::String(number.to_string());
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ResourceRequirements, Volume};
    use serde_json::json;

    use super::*;

    fn read<T: DeserializeOwned>(value: Value) -> T {
        numbers_allowed(value).unwrap()
    }

    #[test]
    fn a_number_is_a_quantity() {
        let resources: ResourceRequirements =
            read(json!({ "limits": { "cpu": 2, "memory": "4Gi" }, "requests": { "cpu": 0.5 } }));
        let limits = resources.limits.unwrap();
        assert_eq!((limits["cpu"].0.as_str(), limits["memory"].0.as_str()), ("2", "4Gi"));
        assert_eq!(resources.requests.unwrap()["cpu"].0, "0.5");
    }

    #[test]
    fn so_it_is_within_volumes() {
        let volume: Volume = read(json!({ "name": "v", "emptyDir": { "sizeLimit": 1024 } }));
        assert_eq!(volume.empty_dir.unwrap().size_limit.unwrap().0, "1024");
    }

    #[test]
    fn a_field_that_cannot_be_read_is_named() {
        let volume = json!({ "name": "v", "secret": { "defaultMode": 3_000_000_000_u32 } });
        let error = numbers_allowed::<_, Volume>(volume).unwrap_err().to_string();
        assert!(error.starts_with("secret.defaultMode: invalid value: integer"), "{error}");
    }

    #[test]
    fn other_numbers_stay_numbers() {
        let volume: Volume =
            read(json!({ "name": "v", "secret": { "secretName": "s", "defaultMode": 256 } }));
        assert_eq!(volume.secret.unwrap().default_mode, Some(256));
    }
}
