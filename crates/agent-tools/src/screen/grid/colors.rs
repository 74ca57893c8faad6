//! The colours that a program may ask for and change: as the page has them (crates/gateway/web/src/terminal.ts). Pure.

use std::collections::BTreeMap;

pub(super) type Rgb = [u8; 3];

/// The first 16 of 256.
const FIRST: [Rgb; 16] = [
    [0x2a, 0x2e, 0x36],
    [0xff, 0x6b, 0x6b],
    [0x7b, 0xd8, 0x8f],
    [0xe5, 0xc7, 0x6b],
    [0x6a, 0xa9, 0xff],
    [0xc7, 0x92, 0xea],
    [0x5f, 0xd0, 0xd8],
    [0xd5, 0xd8, 0xdd],
    [0x7a, 0x81, 0x8e],
    [0xff, 0x8f, 0x8f],
    [0xa5, 0xea, 0xb1],
    [0xf5, 0xdd, 0x9a],
    [0x9c, 0xc7, 0xff],
    [0xdf, 0xb8, 0xf7],
    [0x96, 0xe6, 0xec],
    [0xff, 0xff, 0xff],
];
const FOREGROUND: Rgb = [0xe8, 0xea, 0xed];
const BACKGROUND: Rgb = [0x0b, 0x0c, 0x0e];
const CURSOR: Rgb = FOREGROUND;

/// A colour by what names it in an OSC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// OSC 4.
    Palette(u8),
    /// OSC 10.
    Foreground,
    /// OSC 11.
    Background,
    /// OSC 12.
    Cursor,
}

/// Those that a program has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Colors(BTreeMap<Name, Rgb>);

impl Colors {
    pub(super) fn get(&self, name: Name) -> Rgb {
        self.0.get(&name).copied().unwrap_or_else(|| initial(name))
    }

    pub(super) fn set(&mut self, name: Name, color: Rgb) {
        self.0.insert(name, color);
    }

    pub(super) fn reset(&mut self, name: Name) {
        self.0.remove(&name);
    }

    pub(super) fn reset_palette(&mut self) {
        self.0.retain(|name, _| !matches!(name, Name::Palette(_)));
    }

    pub(super) fn changed(&self) -> impl Iterator<Item = (Name, Rgb)> {
        self.0.iter().map(|(name, color)| (*name, *color))
    }
}

fn initial(name: Name) -> Rgb {
    match name {
        Name::Foreground => FOREGROUND,
        Name::Background => BACKGROUND,
        Name::Cursor => CURSOR,
        Name::Palette(index @ 0..16) => FIRST[usize::from(index)],
        // xterm's cube of 6 × 6 × 6, then greys.
        Name::Palette(index @ 16..232) => {
            let level = |value: u8| if value == 0 { 0 } else { 55 + 40 * value };
            let index = index - 16;
            [level(index / 36), level(index / 6 % 6), level(index % 6)]
        }
        Name::Palette(index) => [8 + 10 * (index - 232); 3],
    }
}

/// `rgb:RR/GG/BB` with one to four digits each, or `#RRGGBB`.
pub(super) fn parse(text: &str) -> Option<Rgb> {
    if let Some(digits) = text.strip_prefix('#') {
        let value = (digits.len() == 6).then(|| u32::from_str_radix(digits, 16).ok())??;
        let [_, red, green, blue] = value.to_be_bytes();
        return Some([red, green, blue]);
    }
    let mut parts = text.strip_prefix("rgb:")?.split('/').map(|digits| {
        let max = (1_u32 << (4 * digits.len().clamp(1, 4))) - 1;
        let value = (digits.len() <= 4).then(|| u32::from_str_radix(digits, 16).ok())??;
        u8::try_from(value * 255 / max).ok()
    });
    let color = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(color)
}
