//! `OpenCode`'s configuration, which may be any JSON object: here it is read. Pure.

use std::io::{self, Write};

use api_types::RawJson;
use serde_json::{Map, Value};

use super::Invalid;

/// The most that a ConfigMap holds, in bytes. A file is longer than its configuration, by the
/// indentation of each line.
const LARGEST_FILE: usize = 1 << 20;

pub(super) fn resolve(config: Option<&RawJson>) -> Result<Option<Map<String, Value>>, Invalid> {
    let Some(config) = config else { return Ok(None) };
    let refuse = |message: String| Invalid::spec("spec.config", message);
    let config: Map<String, Value> = config.parse().map_err(|error| {
        refuse(format!("it cannot be read ({error}): nest it at most 127 levels deep"))
    })?;
    // Never written in full: a line of a deeply nested object is mostly indentation.
    serde_json::to_writer_pretty(Room(LARGEST_FILE), &config).map_err(|_| {
        refuse("as a file it is larger than 1 MiB: shorten or flatten it".to_owned())
    })?;
    Ok(Some(config))
}

/// Counts what is written, and fails when there is no room left, in bytes.
struct Room(usize);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(config: &str) -> Option<String> {
        resolve(Some(&config.parse().unwrap())).err().map(|invalid| invalid.sentence())
    }

    fn nested(depth: usize, inner: &str) -> String {
        format!("{}{inner}{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))
    }

    #[test]
    fn a_configuration_is_read_as_deep_as_serde_json_reads() {
        assert_eq!(resolve(None), Ok(None));
        assert_eq!(refused(&nested(126, "{}")), None);
        let sentence = refused(&nested(127, "{}")).unwrap();
        assert!(sentence.starts_with("spec.config: it cannot be read (recursion"), "{sentence}");
    }

    /// 200 KB that would become a file of 50 MB.
    #[test]
    fn a_file_that_no_config_map_holds_is_refused_before_it_is_made() {
        let wide = format!("[{}0]", "0,".repeat(100_000));
        let sentence = refused(&nested(120, &wide)).unwrap();
        assert!(sentence.contains("larger than 1 MiB"), "{sentence}");
    }
}
