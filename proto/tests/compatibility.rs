//! A gateway, broker or controller works with those of the release before, either way: what that release has on the wire
//! keeps its number, type and meaning. `compatibility/VERSION.txt` is the contract of a release: that of the workspace's
//! version is written down with each change, until it is released, and those before it stay as they are.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    MethodDescriptorProto, ServiceDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use terminal_proto::v1::FILE_DESCRIPTOR_SET;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One line for each field, value of an enumeration and call of our package, by what is on the wire.
fn contract() -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let ours = set.file.iter().filter(|file| file.package().starts_with("kubeopencode."));
    let mut lines = BTreeSet::new();
    for file in ours {
        lines.extend(file.message_type.iter().flat_map(fields));
        lines.extend(file.enum_type.iter().flat_map(values));
        lines.extend(file.service.iter().flat_map(|service| calls(file.package(), service)));
    }
    lines
}

fn fields(message: &DescriptorProto) -> Vec<String> {
    // Their fields would be in no line.
    assert!(message.nested_type.is_empty() && message.enum_type.is_empty(), "{}", message.name());
    message.field.iter().map(|field| line(message, field)).collect()
}

fn line(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let what = match field.r#type() {
        Type::Message | Type::Enum => field.type_name().to_owned(),
        scalar => scalar.as_str_name().to_owned(),
    };
    let choice = match (field.oneof_index, field.proto3_optional()) {
        (Some(index), false) => {
            format!(" in {}", message.oneof_decl[index.unsigned_abs() as usize].name())
        }
        (_, true) => " optional".to_owned(),
        (None, false) => String::new(),
    };
    let repeated = if field.label() == Label::Repeated { " repeated" } else { "" };
    format!("{}: {} = {} {what}{choice}{repeated}", message.name(), field.name(), field.number())
}

fn values(kind: &EnumDescriptorProto) -> Vec<String> {
    let line = |name: &str, number| format!("{}: {name} = {number}", kind.name());
    kind.value.iter().map(|value| line(value.name(), value.number())).collect()
}

fn calls(package: &str, service: &ServiceDescriptorProto) -> Vec<String> {
    let stream = |streaming| if streaming { "stream " } else { "" };
    let line = |call: &MethodDescriptorProto| {
        let asked = format!("{}{}", stream(call.client_streaming()), call.input_type());
        let answered = format!("{}{}", stream(call.server_streaming()), call.output_type());
        format!("/{package}.{}/{}: {asked} -> {answered}", service.name(), call.name())
    };
    service.method.iter().map(line).collect()
}

/// Of `before`, what `now` has not.
fn lost(before: &str, now: &BTreeSet<String>) -> Vec<String> {
    before.lines().filter(|line| !now.contains(*line)).map(str::to_owned).collect()
}

type Version = [u32; 3];

fn version(text: &str) -> Version {
    let parts: Vec<_> = text.split('.').map(|part| part.parse().unwrap()).collect();
    parts.try_into().unwrap()
}

/// The newest of `versions` before this one.
fn before(versions: &[Version], this: Version) -> Option<Version> {
    versions.iter().copied().filter(|version| *version < this).max()
}

fn file(version: &str) -> PathBuf {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/compatibility"));
    folder.join(format!("{version}.txt"))
}

fn versions() -> Vec<Version> {
    let files = fs::read_dir(file(VERSION).parent().unwrap()).unwrap();
    let names = files.map(|file| file.unwrap().path().file_stem().unwrap().to_owned());
    names.map(|name| version(name.to_str().unwrap())).collect()
}

#[test]
fn the_contract_of_this_version_is_written_down() {
    let now = contract().into_iter().collect::<Vec<_>>().join("\n") + "\n";
    let written = fs::read_to_string(file(VERSION)).unwrap_or_default();
    assert!(written == now, "compatibility/{VERSION}.txt is to be:\n{now}");
}

#[test]
fn the_contract_of_the_release_before_is_still_spoken() {
    let Some([major, minor, patch]) = before(&versions(), version(VERSION)) else { return };
    let before = fs::read_to_string(file(&format!("{major}.{minor}.{patch}"))).unwrap();
    assert_eq!(lost(&before, &contract()), Vec::<String>::new());
}

/// Until there is a release, this shows that the test above would tell.
#[test]
fn a_field_that_is_gone_or_has_another_number_is_lost() {
    let before = fs::read_to_string(file(VERSION)).unwrap();
    let renumbered = before.replace("Open: token = 1 ", "Open: token = 9 ");
    let wanted = ["Open: gone = 6 TYPE_BOOL", "Open: token = 9 TYPE_STRING"];
    let mut found = lost(&format!("{renumbered}{}\n", wanted[0]), &contract());
    found.sort();
    assert_eq!(found, wanted);
    assert_eq!(lost(&before, &contract()), Vec::<String>::new());
}

#[test]
fn the_release_before_is_the_newest_older_one() {
    let versions = ["0.1.0", "0.2.0", "0.10.0"].map(version);
    assert_eq!(before(&versions, version("0.10.0")), Some([0, 2, 0]));
    assert_eq!(before(&versions, version("0.11.0")), Some([0, 10, 0]));
    assert_eq!(before(&versions, version("0.1.0")), None);
}
