//! Bills of materials, by the schema of CycloneDX 1.5. The schemas under `schema/` are those of
//! <https://github.com/CycloneDX/specification> at b29bae660048e0ad2fbc5f2972927b442ce951c4 (Apache-2.0), without white space.

use std::{error::Error, fs};

use chart::root;
use jsonschema::{Retrieve, Uri};
use serde_json::Value;

use crate::artifacts::ARTIFACTS;

/// The schemas that the first one refers to.
struct Schemas;

impl Retrieve for Schemas {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let text = match uri.path().as_str() {
            "/schema/spdx.SNAPSHOT.schema.json" => include_str!("schema/spdx.json"),
            "/schema/jsf-0.82.SNAPSHOT.schema.json" => include_str!("schema/jsf-0.82.json"),
            other => return Err(format!("there is no schema {other}").into()),
        };
        Ok(serde_json::from_str(text)?)
    }
}

#[test]
fn each_program_has_a_bill_by_the_schema_with_what_it_is_made_of() {
    let schema = serde_json::from_str(include_str!("schema/bom-1.5.json")).unwrap();
    let validator = jsonschema::options().with_retriever(Schemas).build(&schema).unwrap();
    let cases = [
        ("controller", "kube"),
        ("gateway", "hyper"),
        ("terminal-broker", "tonic"),
        ("agent-tools", "gix-protocol"),
        ("kubeoc", "clap"),
        ("scripted-model", "hyper"),
    ];
    for (program, part) in cases {
        let text = fs::read_to_string(ARTIFACTS.join(format!("{program}.cdx.json"))).unwrap();
        assert!(
            !text.contains(root().to_str().unwrap().trim_end_matches("/e2e/chart/../..")),
            "{program}"
        );
        let bill: Value = serde_json::from_str(&text).unwrap();
        let wrong: Vec<_> = validator.iter_errors(&bill).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{program}: {wrong:?}");
        assert_eq!(bill["metadata"]["component"]["name"], program);
        let parts = bill["components"].as_array().unwrap();
        assert!(parts.iter().any(|found| found["name"] == part), "{program} without {part}");
    }
}
