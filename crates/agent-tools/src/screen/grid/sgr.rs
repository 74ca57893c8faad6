//! How text looks: `CSI … m` to a pen, and back. Pure.

use super::cells::{Color, Named, Pen};
use crate::screen::sequences::{Csi, Parameter};

/// SGR 1 to 9 without 4, and 53, each with what resets it.
const ATTRIBUTES: [(u16, u16); 9] =
    [(1, 22), (2, 22), (3, 23), (5, 25), (6, 25), (7, 27), (8, 28), (9, 29), (53, 55)];

fn bit(number: u16) -> u16 {
    let place = ATTRIBUTES.iter().position(|(set, _)| *set == number).unwrap_or_default();
    1 << place
}

pub(super) fn apply(pen: &mut Pen, csi: &Csi) {
    let mut rest = csi.parameters();
    if rest.is_empty() {
        reset(pen);
    }
    while let Some((first, behind)) = rest.split_first() {
        let subs = behind.iter().take_while(|parameter| parameter.is_sub).count();
        let (subs, next) = behind.split_at(subs);
        rest = match first.value {
            38 | 48 | 58 => {
                let (color, rest) = color(subs, next);
                if let Some(color) = color {
                    *of(pen, first.value) = color;
                }
                rest
            }
            4 => {
                pen.underline =
                    subs.first().map_or(1, |sub| sub.value.min(5).try_into().unwrap_or(1));
                next
            }
            number => {
                simple(pen, number);
                next
            }
        };
    }
}

/// As xterm.js: the link stays.
fn reset(pen: &mut Pen) {
    *pen = Pen { link: pen.link, ..Pen::default() };
}

fn of(pen: &mut Pen, number: u16) -> &mut Color {
    match number {
        38 => &mut pen.foreground,
        48 => &mut pen.background,
        _ => &mut pen.underline_color,
    }
}

fn simple(pen: &mut Pen, number: u16) {
    match number {
        0 => reset(pen),
        21 => pen.underline = 2,
        24 => pen.underline = 0,
        30..=37 => pen.foreground = indexed(number - 30),
        39 => pen.foreground = Color::DEFAULT,
        40..=47 => pen.background = indexed(number - 40),
        49 => pen.background = Color::DEFAULT,
        59 => pen.underline_color = Color::DEFAULT,
        90..=97 => pen.foreground = indexed(number - 90 + 8),
        100..=107 => pen.background = indexed(number - 100 + 8),
        _ => {
            for (set, reset) in ATTRIBUTES {
                if number == set {
                    pen.attributes |= bit(set);
                } else if number == reset {
                    pen.attributes &= !bit(set);
                }
            }
        }
    }
}

fn indexed(index: u16) -> Color {
    Color::palette(index.to_le_bytes()[0])
}

/// `5;n` and `2;r;g;b`, by semicolons or by colons; by colons there may be a colour space before the three.
fn color<'a>(subs: &[Parameter], next: &'a [Parameter]) -> (Option<Color>, &'a [Parameter]) {
    let byte = |parameter: &Parameter| parameter.value.min(255).to_le_bytes()[0];
    match subs {
        [] => match next {
            [kind, index, rest @ ..] if kind.value == 5 => {
                (Some(Color::palette(byte(index))), rest)
            }
            [kind, red, green, blue, rest @ ..] if kind.value == 2 => {
                (Some(Color::rgb(byte(red), byte(green), byte(blue))), rest)
            }
            [kind, ..] if matches!(kind.value, 2 | 5) => (None, &[]),
            [_, rest @ ..] => (None, rest),
            [] => (None, &[]),
        },
        [kind, index, ..] if kind.value == 5 => (Some(Color::palette(byte(index))), next),
        [kind, red, green, blue] | [kind, _, red, green, blue, ..] if kind.value == 2 => {
            (Some(Color::rgb(byte(red), byte(green), byte(blue))), next)
        }
        _ => (None, next),
    }
}

/// The sequence after which a terminal writes with `pen`, whatever it wrote with before; without the link.
pub(super) fn write(pen: &Pen, into: &mut Vec<u8>) {
    into.extend_from_slice(b"\x1b[0");
    for (set, _) in ATTRIBUTES {
        if pen.attributes & bit(set) != 0 {
            into.extend_from_slice(format!(";{set}").as_bytes());
        }
    }
    match pen.underline {
        0 => {}
        1 => into.extend_from_slice(b";4"),
        style => into.extend_from_slice(format!(";4:{style}").as_bytes()),
    }
    write_color(pen.foreground, 38, into);
    write_color(pen.background, 48, into);
    write_color(pen.underline_color, 58, into);
    into.push(b'm');
}

fn write_color(color: Color, number: u16, into: &mut Vec<u8>) {
    let text = match (color.named(), number) {
        (Named::Default, _) => return,
        (Named::Palette(index @ 0..8), 38 | 48) => format!(";{}", number - 8 + u16::from(index)),
        (Named::Palette(index), 58) => format!(";58:5:{index}"),
        (Named::Palette(index), _) => format!(";{number};5;{index}"),
        (Named::Rgb(red, green, blue), 58) => format!(";58:2::{red}:{green}:{blue}"),
        (Named::Rgb(red, green, blue), _) => format!(";{number};2;{red};{green};{blue}"),
    };
    into.extend_from_slice(text.as_bytes());
}
