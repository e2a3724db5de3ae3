//! The files that a sample answer names, in a folder beside it.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use dossier_report::Attachment;
use dossier_template::{ImageError, InlineImage, InlineImages};

/// Files in a folder.
pub(super) struct FolderFiles(Option<PathBuf>);

impl FolderFiles {
    /// The files of this folder; without one there are none.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self(folder)
    }

    /// The file of a listed attachment: the one that has its file name, or else the last part of
    /// its URL's path. The error says why there is none.
    pub fn attachment(&self, attachment: &Attachment) -> Result<PathBuf, String> {
        let by_name = Some(attachment.filename.clone()).filter(|name| is_name(name));
        match by_name.map(|name| self.find(&name)) {
            Some(Ok(path)) => Ok(path),
            Some(Err(error)) if self.0.is_none() => Err(error),
            Some(Err(_)) | None => {
                let name = file_name(&attachment.url)
                    .ok_or("neither its file name nor the end of its URL is a file's name")?;
                self.find(&name)
            }
        }
    }

    fn find(&self, name: &str) -> Result<PathBuf, String> {
        let Some(folder) = &self.0 else {
            return Err("no folder of attachments is given; see --attachments".to_owned());
        };
        let missing = |error: io::Error| {
            format!("no such file can be read in the folder of attachments: {error}")
        };
        let folder = folder.canonicalize().map_err(missing)?;
        let path = folder.join(name).canonicalize().map_err(missing)?;
        if path.parent() != Some(folder.as_path()) {
            return Err("its file lies outside of the folder of attachments".to_owned());
        }
        Ok(path)
    }
}

impl InlineImages for FolderFiles {
    fn open(&self, image: &InlineImage) -> Result<Box<dyn Read + '_>, ImageError> {
        let name = file_name(&image.url)
            .ok_or_else(|| ImageError("its URL does not end in a file's name".to_owned()))?;
        let path = self.find(&name).map_err(ImageError)?;
        let file =
            File::open(path).map_err(|error| ImageError(format!("it cannot be read: {error}")))?;
        Ok(Box::new(file))
    }
}

/// The last part of a URL's path, decoded, if a file can have that name.
fn file_name(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    let decoded = percent_decoded(path.rsplit('/').next()?)?;
    is_name(&decoded).then_some(decoded)
}

fn is_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(['/', '\\', '\0'])
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits
            .filter(|digits| *first == b'%' && digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).ok()
}
