//! Values that would do harm, or nothing at all, are refused by name.

use std::{fs, path::Path};

use chart::{NAMESPACE, render_in};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Refused {
    names: String,
    values: Value,
}

#[test]
fn each_bad_value_is_refused_by_name() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("refused.yaml");
    let table: Vec<Refused> = serde_yaml_ng::from_str(&fs::read_to_string(table).unwrap()).unwrap();
    assert!(table.len() >= 40);
    let unnamed = table.iter().filter_map(|Refused { names, values }| {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, values.to_string()).unwrap();
        let rendered = render_in(NAMESPACE, file.path()).unwrap();
        let refused = !rendered.succeeded && rendered.errors.contains(names.as_str());
        (!refused).then(|| format!("{values}: {names} not named in {:?}", rendered.errors))
    });
    assert_eq!(unnamed.collect::<Vec<_>>(), Vec::<String>::new());
}
