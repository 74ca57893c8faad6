//! Writes the custom resource definitions to the folder named by the first argument.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "manifests/crds".to_owned());
    std::fs::create_dir_all(&folder)?;
    for crd in api_types::crds() {
        let path = std::path::Path::new(&folder).join(api_types::crd_file_name(&crd));
        std::fs::write(path, api_types::crd_yaml(&crd)?)?;
    }
    Ok(())
}
