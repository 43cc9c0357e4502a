//! Files that exist whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::error::TrainError;

/// Writes `bytes` to a temporary file beside `path`, flushes it to the disk and renames it.
///
/// # Errors
/// [`TrainError::Io`], after which `path` is as it was.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let refuse = |source| TrainError::io("write", path, source);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".facette-");
    // Temporary files are private by default; a result is as readable as the user's other files.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(refuse)?;
    file.write_all(bytes).map_err(refuse)?;
    file.as_file().sync_all().map_err(refuse)?;
    file.persist(path).map_err(|e| refuse(e.error))?;
    flush_folder(folder).map_err(refuse)
}

/// Makes a rename in `folder` survive a power cut, where the system has a way to.
fn flush_folder(folder: &Path) -> std::io::Result<()> {
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}

/// Makes a folder and its parents.
///
/// # Errors
/// [`TrainError::Io`].
pub(crate) fn folder(path: &Path) -> Result<(), TrainError> {
    std::fs::create_dir_all(path).map_err(|source| TrainError::io("make the folder", path, source))
}
