//! The only source of randomness.

use ring::rand::{SecureRandom, SystemRandom};

use crate::error::ControllerError;

/// 256 bits from the operating system.
pub fn bytes() -> Result<[u8; 32], ControllerError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| ControllerError::Random)?;
    Ok(bytes)
}
