//! Credentials as variables and mounts. The user's Secrets are named, never read. Pure.

use api_types::names;
use k8s_openapi::api::core::v1::{
    EnvFromSource, EnvVar, EnvVarSource, KeyToPath, SecretEnvSource, SecretKeySelector,
    SecretVolumeSource, Volume, VolumeMount,
};

use super::volumes::mount;
use crate::resolve::{Credential, CredentialForm};

pub(super) fn variables(credentials: &[Credential]) -> Vec<EnvVar> {
    let variable = |credential: &Credential| {
        let CredentialForm::Variable { name, key } = &credential.form else { return None };
        let secret_key_ref = Some(SecretKeySelector {
            name: credential.secret.clone(),
            key: key.clone(),
            optional: None,
        });
        let value_from = Some(EnvVarSource { secret_key_ref, ..EnvVarSource::default() });
        Some(EnvVar { name: name.clone(), value: None, value_from })
    };
    credentials.iter().filter_map(variable).collect()
}

pub(super) fn env_from(credentials: &[Credential]) -> Option<Vec<EnvFromSource>> {
    let every = |credential: &Credential| {
        (credential.form == CredentialForm::AllVariables).then(|| EnvFromSource {
            secret_ref: Some(SecretEnvSource { name: credential.secret.clone(), optional: None }),
            ..EnvFromSource::default()
        })
    };
    let sources: Vec<_> = credentials.iter().filter_map(every).collect();
    (!sources.is_empty()).then_some(sources)
}

pub(super) fn volumes(credentials: &[Credential]) -> Vec<Volume> {
    let volume = |(index, credential): (usize, &Credential)| {
        let (mode, items) = match &credential.form {
            CredentialForm::Variable { .. } | CredentialForm::AllVariables => return None,
            CredentialForm::Directory { mode, .. } => (*mode, None),
            CredentialForm::File { key, mode, .. } => {
                let item = KeyToPath { key: key.clone(), path: key.clone(), mode: Some(*mode) };
                (*mode, Some(vec![item]))
            }
        };
        Some(Volume {
            name: volume_name(index),
            secret: Some(SecretVolumeSource {
                secret_name: Some(credential.secret.clone()),
                default_mode: Some(mode),
                items,
                optional: None,
            }),
            ..Volume::default()
        })
    };
    credentials.iter().enumerate().filter_map(volume).collect()
}

pub(super) fn mounts(credentials: &[Credential]) -> Vec<VolumeMount> {
    let of = |(index, credential): (usize, &Credential)| {
        let (path, sub_path) = match &credential.form {
            CredentialForm::Variable { .. } | CredentialForm::AllVariables => return None,
            CredentialForm::Directory { path, .. } => (path, None),
            // A single file: the directory around it stays the image's.
            CredentialForm::File { path, key, .. } => (path, Some(key.clone())),
        };
        let mount = mount(&volume_name(index), path);
        Some(VolumeMount { sub_path, read_only: Some(true), ..mount })
    };
    credentials.iter().enumerate().filter_map(of).collect()
}

fn volume_name(index: usize) -> String {
    format!("{}{index}", names::CREDENTIAL_VOLUME_PREFIX)
}
