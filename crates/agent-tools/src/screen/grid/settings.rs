//! What a program sets beside the text: modes, titles, colours and links. Pure.

use super::{
    Shown, Terminal,
    colors::{self, Name},
    modes::Switch,
};
use crate::screen::sequences::Csi;

/// A title is shown in a browser's tab.
const TITLE_BYTES_MAX: usize = 1024;
const TITLES_MAX: usize = 10;
/// Browsers take no longer ones.
const LINK_BYTES_MAX: usize = 2048;

impl Terminal {
    pub(super) fn set_title(&mut self, title: &str) {
        let mut title = title.to_owned();
        title.truncate(title.floor_char_boundary(TITLE_BYTES_MAX));
        title.retain(|character| !character.is_control());
        self.title = title;
    }

    pub(super) fn private_modes(&mut self, csi: &Csi, to: Switch) {
        for mode in csi.parameters() {
            match (mode.value, to) {
                (47 | 1047, Switch::On) => self.show(Shown::Alternate),
                (47 | 1047, Switch::Off) => self.show(Shown::Normal),
                (1048, Switch::On) => self.save(),
                (1048, Switch::Off) => self.restore(),
                (1049, Switch::On) => {
                    self.save();
                    self.show(Shown::Alternate);
                }
                (1049, Switch::Off) => {
                    self.show(Shown::Normal);
                    self.restore();
                }
                (mode, to) => {
                    self.modes.switch(mode, to);
                    if mode == 6 {
                        self.address(0, 0);
                    }
                }
            }
        }
    }

    pub(super) fn soft_reset(&mut self) {
        for mode in [1, 6, 66] {
            self.modes.switch(mode, Switch::Off);
        }
        for mode in [7, 25] {
            self.modes.switch(mode, Switch::On);
        }
        self.modes.insert = false;
        (self.top, self.bottom) = (0, self.rows - 1);
        self.pen = super::Pen::default();
        self.charsets = Default::default();
        self.charset = 0;
        self.active.saved = super::Saved::default();
    }

    /// RIS. What has not been answered still is.
    pub(super) fn as_new(&mut self) -> Self {
        let mut new = Self::new(self.columns, self.rows);
        new.answers = std::mem::take(&mut self.answers);
        new.cursor_questions = self.cursor_questions;
        new.title = std::mem::take(&mut self.title);
        new
    }

    /// The stack of titles.
    pub(super) fn window(&mut self, csi: &Csi) {
        match (csi.value(0), csi.value(1)) {
            (22, 0 | 2) if self.titles.len() < TITLES_MAX => self.titles.push(self.title.clone()),
            (23, 0 | 2) => {
                if let Some(title) = self.titles.pop() {
                    self.title = title;
                }
            }
            _ => {}
        }
    }

    pub(super) fn palette(&mut self, pairs: &str) {
        let mut parts = pairs.split(';');
        while let (Some(index), Some(color)) = (parts.next(), parts.next()) {
            let Ok(index) = index.parse() else { continue };
            match colors::parse(color) {
                _ if color == "?" => self.answer_color(Name::Palette(index)),
                Some(color) => self.colors.set(Name::Palette(index), color),
                None => {}
            }
        }
    }

    /// OSC 10 may name the next ones as well.
    pub(super) fn special_colors(&mut self, number: &str, rest: &str) {
        let names = [Name::Foreground, Name::Background, Name::Cursor];
        let first = number.parse::<usize>().unwrap_or(10) - 10;
        for (name, color) in names.into_iter().skip(first).zip(rest.split(';')) {
            match colors::parse(color) {
                _ if color == "?" => self.answer_color(name),
                Some(color) => self.colors.set(name, color),
                None => {}
            }
        }
    }

    pub(super) fn link(&mut self, rest: &str) {
        let uri = rest.split_once(';').map_or("", |(_, uri)| uri);
        let is_link = !uri.is_empty() && uri.len() <= LINK_BYTES_MAX;
        if is_link && self.links.is_full() {
            self.forget_unused();
        }
        let place = is_link.then(|| self.links.put(rest)).flatten();
        let link = place.and_then(|place| u16::try_from(place + 1).ok());
        self.pen.link = link.unwrap_or(0);
    }
}
