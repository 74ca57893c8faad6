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
        "pub(crate) const INDEX: &[u8] = include_bytes!(\"index.html\");\n\
         pub(crate) const FILES: &[(&str, &[u8])] = &[\n",
    );
    for name in names(&dist.join("assets"))? {
        fs::copy(dist.join("assets").join(&name), copies.join(&name))?;
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", format!("web/{name}"))?;
    }
    table.push_str("];\n");
    fs::write(out.join("web.rs"), table)?;
    Ok(())
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
