//! Embeds the built page: copies `web/dist` and writes a table of it for
//! `src/assets.rs`.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=web/dist");
    // Asked at run time: compiled in, it would be the checkout that this script was compiled in.
    #[allow(clippy::disallowed_methods, reason = "cargo speaks to build scripts by environment")]
    let (own, out) = (env::var("CARGO_MANIFEST_DIR")?, env::var("OUT_DIR")?);
    let dist = Path::new(&own).join("web/dist");
    let index = dist.join("index.html");
    if !index.is_file() {
        println!(
            "cargo::error=the terminal's page is not built: run `cargo xtask web` (needs Node)"
        );
        return Ok(());
    }

    let out = Path::new(&out);
    // A copy: the page may be built again while this crate is being compiled.
    let copies = out.join("web");
    if copies.exists() {
        fs::remove_dir_all(&copies)?;
    }
    fs::create_dir(&copies)?;
    fs::copy(index, out.join("index.html"))?;

    let mut table = String::from(
        "pub(super) const INDEX: &[u8] = include_bytes!(\"index.html\");\n\
         pub(super) const FILES: &[File] = &[\n",
    );
    let names = names(&dist.join("assets"))?;
    for name in &names {
        fs::copy(dist.join("assets").join(name), copies.join(name))?;
    }
    for name in names.iter().filter(|name| !is_compressed(name)) {
        let included = |name: &str| format!("include_bytes!({:?})", format!("web/{name}"));
        let form = |ending: &str| {
            let form = format!("{name}{ending}");
            if names.contains(&form) {
                format!("Some({})", included(&form))
            } else {
                "None".to_owned()
            }
        };
        let (identity, gzip, brotli) = (included(name), form(".gz"), form(".br"));
        writeln!(
            table,
            "File {{ name: {name:?}, identity: {identity}, gzip: {gzip}, brotli: {brotli} }},"
        )?;
    }
    table.push_str("];\n");
    fs::write(out.join("web.rs"), table)?;
    Ok(())
}

/// Whether it is a form of the file that it is named after.
fn is_compressed(name: &str) -> bool {
    matches!(name.rsplit_once('.'), Some((_, "gz" | "br")))
}

/// The files' names, sorted: the same page always yields the same bytes.
fn names(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
