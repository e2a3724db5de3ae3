//! The bearer token of `dossier up`: made at the first start, kept in a file, printed once.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use dossier_core::Private;
use rand::RngExt;

use crate::config::Config;
use crate::exit::Failure;

/// Bytes of chance in a token.
const TOKEN_BYTES: usize = 32;

/// A token, and whether it was just made.
pub struct Token {
    /// The token itself.
    pub secret: Private<String>,
    /// Whether nobody can know it yet.
    pub is_new: bool,
}

/// The configured token, or the one in the token file; it is made if the file is not there.
pub fn find_or_make(config: &Config) -> Result<Token, Failure> {
    if let Some(secret) = find(config)? {
        return Ok(Token {
            secret,
            is_new: false,
        });
    }
    let path = config.token_file();
    let secret = random_token();
    write_private(&path, &secret).map_err(Failure::file(format!(
        "writing the token to {}",
        path.display()
    )))?;
    Ok(Token {
        secret: secret.into(),
        is_new: true,
    })
}

/// The configured token, or the one in the token file, if there is any.
pub fn find(config: &Config) -> Result<Option<Private<String>>, Failure> {
    if let Some(token) = &config.api.token {
        return Ok(Some(token.clone()));
    }
    let path = config.token_file();
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().is_empty() => Err(Failure::Other(format!(
            "the token file {} is empty; delete it to have a new one made",
            path.display()
        ))),
        Ok(text) => Ok(Some(text.trim().to_owned().into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file(format!(
            "reading the token from {}",
            path.display()
        ))(error)),
    }
}

/// A token that cannot be guessed: 256 random bits in hexadecimal.
pub fn random_token() -> String {
    let bytes: [u8; TOKEN_BYTES] = rand::rng().random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write_private(path: &Path, secret: &str) -> std::io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}
