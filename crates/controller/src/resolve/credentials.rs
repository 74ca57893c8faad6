//! In which of its four forms each credential is given to the agent. Pure.

use super::{Invalid, contexts::label, place};

/// One Secret of the user's, and what the agent gets of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// What a message calls it, as in `spec.credentials[0] "key"`.
    pub label: String,
    pub secret: String,
    pub form: CredentialForm,
}

/// How a credential is made available. `mode` is the permission bits of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialForm {
    /// One key as one variable.
    Variable { name: String, key: String },
    /// Every key as the variable of its name.
    AllVariables,
    /// One key as one file.
    File { path: String, key: String, mode: i32 },
    /// Every key as a file of its name.
    Directory { path: String, mode: i32 },
}

/// In the user's order; one that asks for a variable and a file becomes two.
pub(super) fn resolve(written: Vec<api_types::Credential>) -> Result<Vec<Credential>, Invalid> {
    let forms = written.into_iter().enumerate().map(|(index, credential)| {
        let label = label("credentials", index, name(&credential));
        let secret = credential.secret_ref.name.clone();
        let forms = forms(index, credential)?.into_iter();
        Ok(forms.map(move |form| Credential { label: label.clone(), secret: secret.clone(), form }))
    });
    Ok(forms.collect::<Result<Vec<_>, Invalid>>()?.into_iter().flatten().collect())
}

/// It is for humans, and may be left empty.
fn name(credential: &api_types::Credential) -> Option<&str> {
    Some(credential.name.as_str()).filter(|name| !name.is_empty())
}

fn forms(index: usize, credential: api_types::Credential) -> Result<Vec<CredentialForm>, Invalid> {
    let subject = name(&credential).map_or("it".to_owned(), |name| format!("{name:?}"));
    let api_types::Credential { secret_ref, env, mount_path, file_mode: mode, .. } = credential;
    let refuse = |why: &str| {
        Err(Invalid::spec(format!("spec.credentials[{index}]"), format!("{subject} {why}")))
    };
    let mount_path = mount_path.as_deref().map(place::absolute).transpose();
    let mount_path = mount_path.and_then(|path| path.map(place::free).transpose());
    let mount_path = mount_path
        .map_err(|why| Invalid::spec(format!("spec.credentials[{index}].mountPath"), why))?;
    match (secret_ref.key, env, mount_path) {
        (None, None, None) => Ok(vec![CredentialForm::AllVariables]),
        (None, None, Some(path)) => Ok(vec![CredentialForm::Directory { path, mode }]),
        (None, Some(_), _) => {
            refuse("names a variable but no key of the Secret: set secretRef.key, or remove env")
        }
        // A key that is given nowhere is no credential, and nothing is ignored in silence.
        (Some(_), None, None) => refuse(
            "names a key, but neither env nor mountPath to give it by: set one of them, or remove \
             secretRef.key to get every key as a variable",
        ),
        (Some(key), env, path) => {
            let variable = env.map(|name| CredentialForm::Variable { name, key: key.clone() });
            let file = path.map(|path| CredentialForm::File { path, key, mode });
            Ok(variable.into_iter().chain(file).collect())
        }
    }
}
