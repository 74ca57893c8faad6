//! Compiles the .proto files with protox, so that no `protoc` need be installed.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const PROTO: &str = "kubeopencode/terminal/v1/terminal.proto";
/// What holds a token or what was typed and drawn; `src/redacted.rs` has a Debug for these that tells neither.
const SECRET: [&str; 5] = [
    "kubeopencode.terminal.v1.Open",
    "kubeopencode.terminal.v1.AttachRequest",
    "kubeopencode.terminal.v1.AttachResponse",
    "kubeopencode.terminal.v1.CompressedOutput",
    "kubeopencode.terminal.v1.WakeRequest",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO}");
    let descriptors = protox::compile([PROTO], ["."])?;
    #[allow(clippy::disallowed_methods, reason = "cargo speaks to build scripts by environment")]
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".kubeopencode.terminal.v1")
        .skip_debug(SECRET)
        .compile_fds(descriptors)?;
    Ok(())
}
