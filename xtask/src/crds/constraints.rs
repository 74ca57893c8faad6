//! What a schema says of a value beside its description: type, limits and rules, in words. Pure.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

pub(super) trait Items {
    /// The schema of a list's entries.
    fn items(&self) -> Option<&JSONSchemaProps>;
}

impl Items for JSONSchemaProps {
    fn items(&self) -> Option<&JSONSchemaProps> {
        match &self.items {
            Some(JSONSchemaPropsOrArray::Schema(items)) => Some(items),
            _ => None,
        }
    }
}

pub(super) fn type_of(schema: &JSONSchemaProps) -> String {
    if let Some(items) = schema.items() {
        return format!("list of {}", type_of(items));
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        return format!("map of string to {}", type_of(values));
    }
    if schema.x_kubernetes_int_or_string == Some(true) {
        return if schema.pattern.is_some() { "quantity" } else { "integer or string" }.to_owned();
    }
    match schema.type_.as_deref() {
        None => "any JSON".to_owned(),
        Some("object") if schema.x_kubernetes_preserve_unknown_fields == Some(true) => {
            "any JSON object".to_owned()
        }
        Some("string") if is_time(schema) => "time (RFC 3339)".to_owned(),
        Some(kind) => kind.to_owned(),
    }
}

fn is_time(schema: &JSONSchemaProps) -> bool {
    schema.format.as_deref() == Some("date-time")
}

/// The limits of a value, and of each entry of a list of plain values; a sentence each.
pub(super) fn limits(schema: &JSONSchemaProps) -> Vec<String> {
    let mut limits = Vec::new();
    if let Some(values) = &schema.enum_ {
        let values: Vec<_> = values.iter().map(|value| format!("`{}`", plain(&value.0))).collect();
        limits.push(format!("One of {}.", values.join(", ")));
    }
    limits.extend(range(schema.minimum, schema.maximum));
    let counts = [
        (schema.min_items, schema.max_items, "entries"),
        (schema.min_properties, schema.max_properties, "entries"),
    ];
    limits.extend(counts.into_iter().filter_map(|(least, most, of)| count(least, most, of)));
    if schema.x_kubernetes_int_or_string != Some(true) && !is_time(schema) {
        limits.extend(count(schema.min_length, schema.max_length, "characters"));
        limits.extend(schema.pattern.as_ref().map(|pattern| format!("Matches `{pattern}`.")));
    }
    let plain_items = schema.items().filter(|items| items.properties.is_none());
    let of_each = plain_items.into_iter().flat_map(self::limits);
    limits.extend(of_each.map(|limit| format!("Each: {limit}")));
    limits
}

/// An enum's value as a user writes it.
fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Limits that only say what fits into the type are left out.
fn range(least: Option<f64>, most: Option<f64>) -> Option<String> {
    const TYPE_BOUND: f64 = 2_147_483_647.0;
    let least = least.filter(|least| *least > -TYPE_BOUND);
    let most = most.filter(|most| *most < TYPE_BOUND);
    match (least, most) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}.")),
        (Some(least), None) => Some(format!("At least {least}.")),
        (None, Some(most)) => Some(format!("At most {most}.")),
        (None, None) => None,
    }
}

fn count(least: Option<i64>, most: Option<i64>, of: &str) -> Option<String> {
    match (least.filter(|least| *least > 0), most) {
        (Some(least), Some(most)) => Some(format!("{least} to {most} {of}.")),
        (Some(least), None) => Some(format!("At least {least} {of}.")),
        (None, Some(most)) => Some(format!("At most {most} {of}.")),
        (None, None) => None,
    }
}

/// What the API server says where a rule is broken; the rule itself where it has no such sentence.
pub(super) fn messages(schema: &JSONSchemaProps) -> impl Iterator<Item = String> {
    let rules = schema.x_kubernetes_validations.iter().flatten();
    rules.map(|rule| {
        rule.message.as_ref().map_or_else(|| format!("Rule: `{}`.", rule.rule), |m| sentence(m))
    })
}

fn sentence(message: &str) -> String {
    let mut letters = message.trim_end_matches('.').to_owned();
    letters.push('.');
    letters
}
