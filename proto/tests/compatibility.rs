//! A gateway, broker or controller works with those of the release before, either way: what was once on the wire keeps its
//! number, type and meaning. `compatibility/VERSION.txt` is the contract of that release; it may only be added to.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    ServiceDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use terminal_proto::v1::FILE_DESCRIPTOR_SET;

const BEFORE: &str = include_str!("../compatibility/0.1.0.txt");

/// One line for each field, value of an enumeration and call of our package, by what is on the wire.
fn contract() -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let ours = set.file.iter().filter(|file| file.package().starts_with("kubeopencode."));
    let mut lines = BTreeSet::new();
    for file in ours {
        lines.extend(file.message_type.iter().flat_map(fields));
        lines.extend(file.enum_type.iter().flat_map(values));
        lines.extend(file.service.iter().flat_map(calls));
    }
    lines
}

fn fields(message: &DescriptorProto) -> Vec<String> {
    let line = |field: &FieldDescriptorProto| {
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
        format!(
            "{}: {} = {} {what}{choice}{repeated}",
            message.name(),
            field.name(),
            field.number()
        )
    };
    message.field.iter().map(line).collect()
}

fn values(kind: &EnumDescriptorProto) -> Vec<String> {
    kind.value
        .iter()
        .map(|value| format!("{}: {} = {}", kind.name(), value.name(), value.number()))
        .collect()
}

fn calls(service: &ServiceDescriptorProto) -> Vec<String> {
    let stream = |streaming| if streaming { "stream " } else { "" };
    let line = |call: &prost_types::MethodDescriptorProto| {
        format!(
            "{}: {}({}{}) returns ({}{})",
            service.name(),
            call.name(),
            stream(call.client_streaming()),
            call.input_type(),
            stream(call.server_streaming()),
            call.output_type()
        )
    };
    service.method.iter().map(line).collect()
}

#[test]
fn the_contract_of_the_release_before_is_still_spoken() {
    let now = contract();
    let lost: Vec<_> = BEFORE.lines().filter(|line| !now.contains(*line)).collect();
    let all = now.iter().map(|line| format!("{line}\n")).collect::<String>();
    assert!(lost.is_empty(), "lost: {lost:#?}\nthe contract is now:\n{all}");
    assert!(BEFORE.lines().count() > 45, "compatibility/ has a whole contract");
}
