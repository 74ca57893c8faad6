//! One control sequence: its parameters, and what tells it from others. Pure.

/// Parameters of one sequence: xterm.js has as many.
const PARAMETERS_MAX: usize = 32;

/// A control sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Csi {
    /// `<`, `=`, `>` or `?`; 0 is none.
    pub(crate) prefix: u8,
    /// The last intermediate byte; 0 is none.
    pub(crate) intermediate: u8,
    pub(crate) last: u8,
    parameters: [Parameter; PARAMETERS_MAX],
    count: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// 0 where it was left out.
    pub(crate) value: u16,
    /// It follows the one before it after a colon.
    pub(crate) is_sub: bool,
}

impl Csi {
    pub(super) fn parse(bytes: &[u8], last: u8) -> Self {
        let mut csi = Self {
            prefix: 0,
            intermediate: 0,
            last,
            parameters: [Parameter::default(); PARAMETERS_MAX],
            count: 0,
        };
        let mut open = false;
        for byte in bytes {
            match byte {
                b'0'..=b'9' => {
                    csi.count = csi.count.max(1);
                    csi.digit(byte - b'0');
                    open = true;
                }
                b';' | b':' => {
                    csi.count = (csi.count.max(1) + 1).min(PARAMETERS_MAX + 1);
                    if let Some(next) = csi.parameters.get_mut(csi.count - 1) {
                        next.is_sub = *byte == b':';
                    }
                    open = true;
                }
                b'<'..=b'?' if !open => csi.prefix = *byte,
                0x20..=0x2f => csi.intermediate = *byte,
                _ => {}
            }
        }
        csi.count = csi.count.min(PARAMETERS_MAX);
        csi
    }

    fn digit(&mut self, digit: u8) {
        if let Some(parameter) = self.parameters.get_mut(self.count - 1) {
            let value = parameter.value.saturating_mul(10).saturating_add(digit.into());
            parameter.value = value;
        }
    }

    pub(crate) fn parameters(&self) -> &[Parameter] {
        &self.parameters[..self.count]
    }

    /// The parameter at `index`; 0 where there is none.
    pub(crate) fn value(&self, index: usize) -> u16 {
        self.parameters().get(index).map_or(0, |parameter| parameter.value)
    }

    /// The parameter at `index` as a count: at least 1.
    pub(crate) fn count(&self, index: usize) -> usize {
        usize::from(self.value(index).max(1))
    }
}
